import { type Html, html, type Part } from "./markup.ts";

/** The first thing that is read: a word, the sentence, and what it means. */
export interface Banner {
  readonly word: string;
  readonly sentence: string;
  /** Whether anything is claimed of the model. */
  readonly claim: boolean;
  readonly paragraphs: readonly Part[];
}

export function banner({ word, sentence, claim, paragraphs }: Banner): Html {
  return html`<div class="verdict${claim ? " claim" : ""}">
<p class="word">${word}</p>
<h1>${sentence}</h1>
${paragraphs.map((part) => html`<p>${part}</p>\n`)}</div>
`;
}
