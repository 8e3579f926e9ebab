// Builds dist/: hashed assets with a brotli and a gzip copy of each, and the page that names them.
// `--watch` builds anew on changes, without compressing.
import { build, context } from 'esbuild';
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile, readdir } from 'node:fs/promises';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const dist = path.join(root, 'dist');
const watch = process.argv.includes('--watch');
/** Smaller files gain nothing. */
const COMPRESSED_FROM = 512;

/** The style sheets that the modules import. */
const sheets = new Set();
const fonts = { '.woff2': 'file' };

/** One style sheet for all pages: esbuild would repeat the shared ones for each page, and load none of them. */
async function style() {
  const isBase = (file) => file.includes('global-styles');
  const ordered = [...sheets].sort((one, other) => isBase(other) - isBase(one) || one.localeCompare(other));
  const { outputFiles } = await build({
    absWorkingDir: root,
    stdin: {
      contents: ordered.map((file) => `@import ${JSON.stringify(file)};`).join('\n'),
      loader: 'css',
      resolveDir: root,
    },
    outdir: dist,
    entryNames: 'assets/style-[hash]',
    assetNames: 'assets/[name]-[hash]',
    bundle: true,
    minify: !watch,
    loader: fonts,
    write: false,
  });
  const [sheet] = outputFiles.filter((file) => file.path.endsWith('.css'));
  for (const file of outputFiles) if (file !== sheet) await writeFile(file.path, file.contents);
  const { css, first } = await withoutFonts(sheet.text);
  return { sheet: await asset('style', '.css', css), first };
}

/** Writes an asset whose name has the hash of its content. Gives its path in dist/. */
async function asset(name, ending, content) {
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 8).toUpperCase();
  const file = `assets/${name}-${hash}${ending}`;
  await writeFile(path.join(dist, file), content);
  return file;
}

/**
 * Cloudscape has its fonts in its style sheet, where they hold up the first paint, and most are never needed. Gives the
 * sheet with fonts in files of their own, and which of them the first view has.
 */
async function withoutFonts(sheet) {
  const faces = /@font-face\s*\{[^}]*?font-weight:\s*(\d+)[^}]*?font-style:\s*(\w+)[^}]*?\}/g;
  const data = /url\("?data:font\/woff2;(?:charset=[\w-]+;)?base64,([^)"]*)"?\)/;
  let css = sheet;
  const first = [];
  for (const [face, weight, slant] of sheet.matchAll(faces)) {
    const [url, encoded] = data.exec(face) ?? [];
    if (!url) continue;
    const file = await asset(`open-sans-${weight}-${slant}`, '.woff2', Buffer.from(encoded, 'base64'));
    if (slant === 'normal' && ['400', '700'].includes(weight)) first.push(file);
    // Until it is there another font is shown, not none.
    const separate = face.replace(url, `url(${path.basename(file)})`).replace(/\}$/, ';font-display:swap}');
    css = css.replace(face, () => separate);
  }
  return { css, first };
}

/** The script and all that it imports before it runs, so that the browser fetches them together. */
function parts(metafile, script) {
  const found = new Set([script]);
  for (const file of found) {
    for (const { path: part, kind } of metafile.outputs[file].imports) {
      if (kind === 'import-statement' && part in metafile.outputs) found.add(part);
    }
  }
  return [...found];
}

async function finish(metafile) {
  const page = await readFile(path.join(root, 'index.html'), 'utf8');
  const outputs = Object.keys(metafile.outputs);
  const script = outputs.find((file) => metafile.outputs[file].entryPoint === 'src/main.tsx');
  const { sheet, first } = await style();
  const address = (file) => `/console/${path.relative(dist, path.resolve(root, file)).replaceAll(path.sep, '/')}`;
  const [, ...early] = parts(metafile, script);
  const links = [
    ...early.map((file) => `<link rel="modulepreload" href="${address(file)}" />`),
    ...first.map((file) => `<link rel="preload" href="/console/${file}" as="font" type="font/woff2" crossorigin />`),
  ];
  await writeFile(
    path.join(dist, 'index.html'),
    page
      .replace('{{script}}', address(script))
      .replace('{{style}}', `/console/${sheet}`)
      .replace('{{early}}', links.join('\n    ')),
  );
  if (watch) return;
  for (const name of await readdir(path.join(dist, 'assets'))) {
    const file = path.join(dist, 'assets', name);
    const content = await readFile(file);
    if (content.length < COMPRESSED_FROM || !/\.(js|css|svg)$/.test(name)) continue;
    const params = { [constants.BROTLI_PARAM_SIZE_HINT]: content.length, [constants.BROTLI_PARAM_QUALITY]: 10 };
    await writeFile(`${file}.br`, brotliCompressSync(content, { params }));
    await writeFile(`${file}.gz`, gzipSync(content, { level: 9 }));
  }
}

await rm(dist, { recursive: true, force: true });
await mkdir(path.join(dist, 'assets'), { recursive: true });
const building = await context({
  absWorkingDir: root,
  entryPoints: ['src/main.tsx'],
  outdir: dist,
  entryNames: 'assets/[name]-[hash]',
  chunkNames: 'assets/[name]-[hash]',
  assetNames: 'assets/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  target: 'es2022',
  jsx: 'automatic',
  minify: !watch,
  sourcemap: watch,
  metafile: true,
  legalComments: 'linked',
  define: { 'process.env.NODE_ENV': JSON.stringify(watch ? 'development' : 'production') },
  plugins: [
    {
      name: 'styles',
      setup: (building) =>
        building.onLoad({ filter: /\.css$/ }, ({ path: file }) => {
          sheets.add(file);
          return { contents: '', loader: 'js' };
        }),
    },
    {
      // The console speaks English; the other languages of Cloudscape would be a megabyte that nobody asks for.
      name: 'languages',
      setup: (building) =>
        building.onLoad({ filter: /components\/i18n\/dynamic\.js$/ }, () => ({
          contents: 'export const importMessages = () => Promise.resolve([]);',
        })),
    },
    {
      name: 'page',
      setup: (building) => building.onEnd((result) => (result.errors.length ? undefined : finish(result.metafile))),
    },
  ],
});
if (watch) {
  await building.watch();
} else {
  await building.rebuild();
  await building.dispose();
}
