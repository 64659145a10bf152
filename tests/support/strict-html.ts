import { type DefaultTreeAdapterTypes, html as namespaces, type ParserError, parse } from "parse5";

type Node = DefaultTreeAdapterTypes.Node;
type Element = DefaultTreeAdapterTypes.Element;

const ELEMENTS = new Set(
  "html head meta title style body header main footer article section nav div p h1 h2 h3 ul ol li dl dt dd table caption thead tbody tr th td figure figcaption svg path rect circle text span strong bdi code pre a script".split(
    " ",
  ),
);
const ATTRIBUTES = new Set(
  "lang charset http-equiv content name id class href scope tabindex role aria-label data-key viewBox d x y width height cx cy r".split(
    " ",
  ),
);
const COORDINATES = new Set("viewBox d x y width height cx cy r".split(" "));
/** What no reader sees, or what turns the direction of what they see. */
const UNSEEN = /(?!\n)[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;

export interface ReadPage {
  /** All that is wrong with it. */
  readonly complaints: readonly string[];
  /** Text that is shown, the style sheet and scripts apart. */
  readonly text: string;
  readonly elements: readonly Element[];
}

/** Reads a page as a browser does, and says what should not be there: errors of HTML, elements, attributes, addresses. */
export function readPage(page: string): ReadPage {
  const errors: string[] = [];
  const onParseError = ({ code, startLine, startCol }: ParserError) =>
    errors.push(`${code} at ${startLine}:${startCol}`);
  const document = parse(page, { onParseError, sourceCodeLocationInfo: true });
  const elements: Element[] = [];
  const complaints: string[] = [...errors];
  let text = "";
  const visit = (node: Node, isCode: boolean): void => {
    if (node.nodeName === "#comment") complaints.push("a comment");
    if (node.nodeName === "#text" && !isCode) text += (node as DefaultTreeAdapterTypes.TextNode).value;
    if ("tagName" in node) {
      elements.push(node);
      complaints.push(...complaintsOf(node));
    }
    if (!("childNodes" in node)) return;
    const code = node.nodeName === "script" || node.nodeName === "style";
    for (const child of node.childNodes) visit(child, code);
  };
  visit(document, false);
  if (UNSEEN.test(page)) complaints.push("a character that is not seen");
  for (const name of ["style", "script"]) {
    const count = elements.filter(({ tagName }) => tagName === name).length;
    if (count > 1) complaints.push(`${count} ${name} elements`);
  }
  return { complaints, text, elements };
}

function complaintsOf({ tagName, attrs, namespaceURI }: Element): string[] {
  const found: string[] = [];
  if (!ELEMENTS.has(tagName)) found.push(`an element ${tagName}`);
  if (namespaceURI !== namespaces.NS.HTML && namespaceURI !== namespaces.NS.SVG)
    found.push(`namespace ${namespaceURI}`);
  for (const { name, value } of attrs) {
    if (!ATTRIBUTES.has(name)) found.push(`an attribute ${name} of ${tagName}`);
    if (name === "href" && !/^#result-\d+$/.test(value)) found.push(`a link to ${value}`);
    if (COORDINATES.has(name) && /NaN|Infinity|undefined/.test(value)) found.push(`${name}="${value.slice(0, 80)}"`);
  }
  return found;
}
