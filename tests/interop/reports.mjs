// Pages in a real browser: those of examples and a page of hostile names at three widths, light and dark, and as PDF. axe must find
// nothing, nothing may be wider than the screen, no script of a name may run, the policy may be broken by nothing.
// WEIGHTMARK_CHROMIUM names the browser; screenshots are kept where WEIGHTMARK_SCREENSHOTS says.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { renderHtml } from "../../dist/src/report/index.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const executablePath = [process.env.WEIGHTMARK_CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser"].find(
  (path) => path !== undefined && existsSync(path),
);
if (executablePath === undefined) {
  console.log("skipped: no Chromium at WEIGHTMARK_CHROMIUM, /usr/bin/chromium or /usr/bin/chromium-browser");
  process.exit(process.env.WEIGHTMARK_REQUIRE_CHROMIUM === "1" ? 1 : 0);
}
const shots = process.env.WEIGHTMARK_SCREENSHOTS;
if (shots !== undefined) mkdirSync(shots, { recursive: true });

const problems = [];
const problem = (where, what) => {
  problems.push(`${where}: ${what}`);
  console.error(`${where}: ${what}`);
};

const EVIL =
  "</title></style><script>window.hit=1</script><img src=x onerror=window.hit=1>\"'><svg onload=window.hit=1>";
const target = {
  schema: "weightmark/scan-target@1",
  tool: { name: "weightmark", version: EVIL },
  id: EVIL,
  name: EVIL.repeat(9),
  location: `/${"x".repeat(1500)}${EVIL}`,
  revision: EVIL,
  content: null,
  bytes: null,
};
/** What the command makes of examples whose pages are not kept. */
const made = (...args) => ({
  html: execFileSync(process.execPath, ["bin/weightmark.js", ...args], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 1 << 26,
  }),
});
const pages = {
  ...Object.fromEntries(
    ["compare", "identify-disguised", "watermark", "scan"].map((name) => [
      name,
      { url: pathToFileURL(join(root, `examples/reports/${name}.html`)).href },
    ]),
  ),
  case: made("report", "examples/case/nova-chat.case.json"),
  lora: made("compare", "examples/models/renamed-lora", "examples/models/base-a", "--format", "html"),
  inspect: made("inspect", "examples/containers/wide-marked.Q4_K_M.gguf", "--format", "html"),
  hostile: { html: await renderHtml(target) },
};

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"], timeout: 300_000 });
try {
  for (const [name, page] of Object.entries(pages)) {
    for (const colorScheme of ["light", "dark"])
      for (const width of [360, 768, 1440]) await check(name, page, { colorScheme, width });
    console.log(`${name}: looked at`);
  }
} finally {
  await browser.close();
}
console.log(problems.length === 0 ? "reports: all well" : `reports: ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;

/** One page on one screen, scripts that it may have under its own policy. */
async function check(name, { url, html }, { colorScheme, width }) {
  const where = `${name} ${width} ${colorScheme}`;
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
  page.setDefaultTimeout(300_000);
  page.on("console", (message) => problem(where, message.text()));
  page.on("pageerror", (error) => problem(where, error.message));
  page.on("request", (request) => {
    if (!/^(?:file|about|data):/.test(request.url())) problem(where, `asks for ${request.url()}`);
  });
  if (url === undefined) await page.setContent(html);
  else await page.goto(url);
  const seen = await page.evaluate(() => ({
    hit: window.hit,
    beyond: document.documentElement.scrollWidth - window.innerWidth,
    heading: document.querySelector("h1")?.getBoundingClientRect().top ?? Number.POSITIVE_INFINITY,
  }));
  if (seen.hit !== undefined) problem(where, "a name ran a script");
  if (seen.beyond > 0) problem(where, `${seen.beyond} pixels wider than the screen`);
  if (!(seen.heading < 300)) problem(where, "the verdict does not stand at the top");
  const sort = page.locator("table.sortable thead button").first();
  if ((await sort.count()) > 0) {
    const first = () => page.locator("table.sortable tbody tr td").first().textContent();
    await sort.click();
    const up = await first();
    await sort.click();
    if (up === (await first())) problem(where, "a table was not sorted");
  }
  if (shots !== undefined) {
    await page.screenshot({ path: join(shots, `${name}-${width}-${colorScheme}.png`), fullPage: true });
    if (width === 1440 && colorScheme === "light") await page.pdf({ path: join(shots, `${name}.pdf`), format: "A4" });
  }
  // The page's own policy keeps axe out as it does every script: it is put in past the policy.
  const session = await page.context().newCDPSession(page);
  await session.send("Runtime.evaluate", { expression: axe });
  const { result } = await session.send("Runtime.evaluate", {
    expression:
      "axe.run(document).then(({ violations }) => JSON.stringify(violations.map(({ id, nodes }) => [id, nodes[0].html])))",
    awaitPromise: true,
    returnByValue: true,
  });
  for (const [id, element] of JSON.parse(result.value)) problem(where, `axe: ${id} at ${element.slice(0, 200)}`);
  await page.close();
}
