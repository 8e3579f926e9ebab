import assert from 'node:assert/strict';
import test from 'node:test';
import { readPreferences, type TablePreferences } from './preferences';

const defaults: TablePreferences = {
  pageSize: 50,
  wrapLines: false,
  stripedRows: false,
  contentDensity: 'comfortable',
  contentDisplay: [
    { id: 'name', visible: true },
    { id: 'state', visible: true },
    { id: 'arn', visible: false },
  ],
  widths: {},
};
const read = (kept: unknown) => readPreferences(JSON.stringify(kept), defaults, [20, 50]);

test('what a person chose is kept', () => {
  const chosen: TablePreferences = {
    pageSize: 20,
    wrapLines: true,
    stripedRows: true,
    contentDensity: 'compact',
    contentDisplay: [
      { id: 'arn', visible: true },
      { id: 'name', visible: true },
      { id: 'state', visible: false },
    ],
    widths: { name: 240 },
  };
  assert.deepEqual(read(chosen), chosen);
});

test('what makes no sense any more is as by default', () => {
  assert.deepEqual(readPreferences(null, defaults, [20, 50]), defaults);
  assert.deepEqual(readPreferences('{', defaults, [20, 50]), defaults);
  assert.deepEqual(read(null), defaults);
  const old = { pageSize: 7, contentDensity: 'thin', widths: { name: -1 }, contentDisplay: [null, 3] };
  assert.deepEqual(read(old), defaults);
});

test('columns that are gone are dropped, and new ones come last', () => {
  const { contentDisplay } = read({
    contentDisplay: [
      { id: 'old', visible: true },
      { id: 'state', visible: false },
    ],
  });
  assert.deepEqual(contentDisplay, [
    { id: 'state', visible: false },
    { id: 'name', visible: true },
    { id: 'arn', visible: false },
  ]);
});
