/**
 * Lets tables be sorted by their columns. A convenience: without it everything can be read, in the order of the report. A cell
 * that stands for a number or a rank says it in data-key.
 */
export const SORT_SCRIPT = `
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const keyed = [...body.rows].map((row) => {
        const cell = row.cells[column];
        const key = cell.dataset.key;
        return { row, key: key === undefined ? cell.textContent : Number(key) };
      });
      const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
      keyed.sort((a, b) => (down ? order(b.key, a.key) : order(a.key, b.key)));
      body.append(...keyed.map(({ row }) => row));
    });
  });
}
`;
