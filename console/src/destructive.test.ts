import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';

const SOURCES = path.resolve('src');

/** What asks for the name of what is lost, by the operation that loses it. */
const ASKED: Record<string, string[]> = {
  "DELETE '/v1/brokers/{broker-id}'": ['shared/broker/DeleteDialog.tsx', 'pages/brokers/BulkDialog.tsx'],
  "DELETE '/v1/brokers/{broker-id}/users/{username}'": ['pages/broker/DeleteUser.tsx'],
  "DELETE '/v1/configurations/{configuration-id}'": ['pages/configurations/configuration.tsx'],
  "DELETE '/brokerd/v1/accounts/{account-id}'": ['pages/operator/Accounts.tsx'],
  "DELETE '/brokerd/v1/security-groups/{security-group-id}'": ['pages/settings/GroupsTable.tsx'],
  "POST '/brokerd/v1/brokers/{broker-id}/destinations/purge'": ['pages/monitoring/Destinations.tsx'],
  "POST '/brokerd/v1/brokers/{broker-id}/destinations/delete'": ['pages/monitoring/Destinations.tsx'],
};
/** What can be made again as it was: tags are in a form, and a fault that ends is what its end brings anyway. */
const NOTHING_LOST = ["DELETE '/v1/tags/{resource-arn}'", "DELETE '/brokerd/v1/brokers/{broker-id}/faults/{fault-id}'"];

function operations(): Set<string> {
  const found = new Set<string>();
  for (const name of readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })) {
    if (!/\.tsx?$/.test(name) || /\.test\.tsx?$/.test(name)) continue;
    const code = readFileSync(path.join(SOURCES, name), 'utf8');
    for (const [, method = '', address = ''] of code.matchAll(/api\.(DELETE|POST)\(\s*('[^']+')/g)) {
      if (method === 'DELETE' || /\/(purge|delete)'$/.test(address)) found.add(`${method} ${address}`);
    }
  }
  return found;
}

test('whatever destroys something asks for its name', () => {
  assert.deepEqual([...operations()].sort(), [...Object.keys(ASKED), ...NOTHING_LOST].sort());
  for (const [operation, files] of Object.entries(ASKED)) {
    for (const file of files) {
      const code = readFileSync(path.join(SOURCES, file), 'utf8');
      assert.match(code, /<ConfirmByName\b|\bareNamed\(/, `${operation}: ${file}`);
    }
  }
});
