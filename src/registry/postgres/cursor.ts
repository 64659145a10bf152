import type { Connection } from "./connect.ts";

/** Rows fetched at a time: about 10 MB where each has all codes of a large model. */
export const PAGE_ROWS = 2048;

/** Rows of any number in bounded memory, inside a transaction. One at a time: the cursor has a name. */
export async function* pagesOf<Row extends object>(on: Connection, select: string, values: readonly unknown[]) {
  await on.query(`DECLARE weightmark_rows NO SCROLL CURSOR FOR ${select}`, values);
  for (let more = true; more; ) {
    const { rows } = await on.query<Row>(`FETCH ${PAGE_ROWS} FROM weightmark_rows`);
    if (rows.length > 0) yield rows as readonly Row[];
    more = rows.length === PAGE_ROWS;
  }
  await on.query("CLOSE weightmark_rows");
}
