// Checks what the compiler and the house ask for: types, format, lengths of files, texts outside the catalogue.
import { spawnSync } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const LINES = 500;
const faults = [];

function run(...command) {
  const { status } = spawnSync('npx', ['--no-install', ...command], { cwd: root, stdio: 'inherit' });
  if (status !== 0) faults.push(`${command[0]} failed`);
}

run('openapi-typescript', '../openapi/mq.json', '--output', 'src/api/schema.d.ts');
run('tsc', '--noEmit');
run('prettier', '--log-level', 'warn', '--check', 'src', 'tests', 'scripts');
for (const folder of ['src', 'scripts', 'tests']) {
  for (const entry of await readdir(path.join(root, folder), { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath ?? entry.path, entry.name);
    const name = path.relative(root, file);
    if (!entry.isFile() || !/\.(ts|tsx|mjs|css)$/.test(name) || name.endsWith('schema.d.ts')) continue;
    const lines = (await readFile(file, 'utf8')).split('\n');
    if (lines.length > LINES) faults.push(`${name} has ${lines.length} lines, more than ${LINES}`);
    lines.forEach((line, at) => {
      // Words between tags are texts, and texts are in the catalogue.
      if (name.endsWith('.tsx') && /^\s*[A-Z][a-z]+ [a-z]+ [a-z]+.*[^;,{(]$/.test(line)) {
        faults.push(`${name}:${at + 1} has a text that is not in the catalogue: ${line.trim()}`);
      }
    });
  }
}
for (const fault of faults) console.error(`check: ${fault}`);
process.exitCode = faults.length ? 1 : 0;
