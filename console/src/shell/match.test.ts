import assert from 'node:assert/strict';
import test from 'node:test';
import { match } from './match';
import type { Route } from './routes';

const routes = ['/', '/brokers/create', '/brokers/:id/:tab?', '/operator/:tab?'].map(
  (path) => ({ path, title: () => path }) as unknown as Route,
);
const found = (location: string) => {
  const { route, parameters, key } = match(location, routes) ?? {};
  return [route?.path, parameters, key];
};

test('the first page whose path fits is the one', () => {
  assert.deepEqual(found('/'), ['/', {}, '/']);
  assert.deepEqual(found('/brokers/create'), ['/brokers/create', {}, '/brokers/create']);
  assert.deepEqual(found('/brokers/b-1'), ['/brokers/:id/:tab?', { id: 'b-1' }, '/brokers/b-1']);
  assert.equal(match('/nothing', routes), undefined);
  assert.equal(match('/brokers', routes), undefined);
  assert.equal(match('/operator/a/b', routes), undefined);
});

test('the tabs of a page are the same page', () => {
  assert.deepEqual(found('/brokers/b-1/users'), ['/brokers/:id/:tab?', { id: 'b-1', tab: 'users' }, '/brokers/b-1']);
  assert.equal(found('/operator/accounts')[2], found('/operator')[2]);
});

test('an address that is not well encoded is taken as it is', () => {
  assert.deepEqual(found('/brokers/%E0%A4%A'), ['/brokers/:id/:tab?', { id: '%E0%A4%A' }, '/brokers/%E0%A4%A']);
});
