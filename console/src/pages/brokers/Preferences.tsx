// How the list is shown, kept in the browser.
import CollectionPreferences from '@cloudscape-design/components/collection-preferences';
import { useState } from 'react';
import { readPreferences, type TablePreferences } from '../../model/preferences';
import { text } from '../../text';
import { columns } from './columns';

const KEY = 'brokerd.brokers.table';
const PAGE_SIZES = [20, 50, 100] as const;
const HIDDEN = ['version', 'created', 'storage', 'id', 'arn', 'tags'];
const DEFAULTS: TablePreferences = {
  pageSize: 50,
  wrapLines: false,
  stripedRows: false,
  contentDensity: 'comfortable',
  contentDisplay: columns.map(({ id }) => ({ id, visible: !HIDDEN.includes(id) })),
  widths: {},
};

/** The person's preferences, and what keeps others. */
export function usePreferences(): [TablePreferences, (next: TablePreferences) => void] {
  const [preferences, setPreferences] = useState(() =>
    readPreferences(localStorage.getItem(KEY), DEFAULTS, PAGE_SIZES),
  );
  const keep = (next: TablePreferences) => {
    localStorage.setItem(KEY, JSON.stringify(next));
    setPreferences(next);
  };
  return [preferences, keep];
}

interface Props {
  value: TablePreferences;
  onChange: (next: TablePreferences) => void;
}

export function Preferences({ value, onChange }: Props) {
  return (
    <CollectionPreferences
      title={text.brokers.preferences}
      preferences={value}
      onConfirm={({ detail }) =>
        onChange({
          pageSize: detail.pageSize ?? value.pageSize,
          wrapLines: detail.wrapLines ?? value.wrapLines,
          stripedRows: detail.stripedRows ?? value.stripedRows,
          contentDensity: detail.contentDensity ?? value.contentDensity,
          contentDisplay: (detail.contentDisplay ?? value.contentDisplay).map(({ id, visible }) => ({ id, visible })),
          widths: value.widths,
        })
      }
      pageSizePreference={{
        title: text.brokers.pageSize,
        options: PAGE_SIZES.map((size) => ({ value: size, label: text.brokers.pageSizeOf(size) })),
      }}
      wrapLinesPreference={{}}
      stripedRowsPreference={{}}
      contentDensityPreference={{}}
      contentDisplayPreference={{
        title: text.brokers.columns,
        description: text.brokers.columnsHelp,
        options: columns.map(({ id, header }) => ({ id, label: header, alwaysVisible: id === 'name' })),
      }}
    />
  );
}
