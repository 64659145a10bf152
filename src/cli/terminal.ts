/** What of a stream says whether people look at it. */
export interface Printed {
  readonly isTTY?: boolean | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Whether a stream is a terminal that acts on escape sequences: one that calls itself dumb (editors, build logs), or not
 * at all, prints them. Windows has terminals that act on them, and no TERM.
 */
export function isTerminal(
  stream: Printed,
  { TERM }: Environment = process.env,
  platform: NodeJS.Platform = process.platform,
): boolean {
  const isDumb = TERM === "dumb" || (!TERM && platform !== "win32");
  return stream.isTTY === true && !isDumb;
}

/** Whether to emphasise what is printed. https://no-color.org: any value but the empty one switches colour off. */
export function useColour(stream: Printed = process.stdout, env: Environment = process.env): boolean {
  return isTerminal(stream, env) && !env.NO_COLOR;
}
