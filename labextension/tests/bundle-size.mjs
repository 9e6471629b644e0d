/* Prints the size of the built panel, compressed as a server would; fails above 150 kB. */
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const LIMIT_KB = 150;
const built = new URL(
  '../../jupyter_green/labextension/static/',
  import.meta.url
);

const names = readdirSync(built);
const scripts = names
  .filter(name => name.endsWith('.js'))
  .map(name => readFileSync(new URL(name, built)));
const kilobytes = sizes => sizes.reduce((sum, size) => sum + size, 0) / 1000;
const raw = kilobytes(scripts.map(script => script.length));
const compressed = kilobytes(scripts.map(script => gzipSync(script).length));

console.log(
  `The panel: ${compressed.toFixed(1)} kB compressed, ${raw.toFixed(1)} kB raw; ` +
    `limit ${LIMIT_KB} kB`
);
if (!scripts.length || compressed > LIMIT_KB) {
  process.exitCode = 1;
}
if (names.some(name => name.endsWith('.map'))) {
  console.error('A development build has been left: it has source maps.');
  process.exitCode = 1;
}
