// How a person wants a table, kept in the browser.

export interface Column {
  id: string;
  visible: boolean;
}

export interface TablePreferences {
  pageSize: number;
  wrapLines: boolean;
  stripedRows: boolean;
  contentDensity: 'comfortable' | 'compact';
  contentDisplay: Column[];
  /** Widths in pixels, by column. */
  widths: Record<string, number>;
}

/** What was kept, as far as it still makes sense. Columns that are new since then are as they are by default. */
export function readPreferences(
  kept: string | null,
  defaults: TablePreferences,
  pageSizes: readonly number[],
): TablePreferences {
  let found: Partial<Record<keyof TablePreferences, unknown>> = {};
  try {
    const parsed: unknown = JSON.parse(kept ?? '{}');
    if (typeof parsed === 'object' && parsed !== null) found = parsed;
  } catch {
    // Something else is kept under this name.
  }
  const known = new Map(defaults.contentDisplay.map((column) => [column.id, column]));
  const columns: Column[] = [];
  for (const one of Array.isArray(found.contentDisplay) ? (found.contentDisplay as unknown[]) : []) {
    const { id, visible } = (one ?? {}) as Partial<Column>;
    if (typeof id !== 'string' || typeof visible !== 'boolean' || !known.delete(id)) continue;
    columns.push({ id, visible });
  }
  const widths: Record<string, number> = {};
  for (const [id, width] of Object.entries((found.widths ?? {}) as Record<string, unknown>)) {
    if (typeof width === 'number' && width > 0) widths[id] = width;
  }
  const isSize = typeof found.pageSize === 'number' && pageSizes.includes(found.pageSize);
  return {
    pageSize: isSize ? (found.pageSize as number) : defaults.pageSize,
    wrapLines: typeof found.wrapLines === 'boolean' ? found.wrapLines : defaults.wrapLines,
    stripedRows: typeof found.stripedRows === 'boolean' ? found.stripedRows : defaults.stripedRows,
    contentDensity: found.contentDensity === 'compact' ? 'compact' : defaults.contentDensity,
    contentDisplay: [...columns, ...known.values()],
    widths,
  };
}
