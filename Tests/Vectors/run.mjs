// SPDX-License-Identifier: Apache-2.0
//
// `node run.mjs [FILE…]`: runs the vectors beside it against broadtape.js.

import { readdirSync, readFileSync } from "node:fs";
import { Machine } from "../../Sources/BrowserClient/broadtape.js";
import { runAll } from "./runner.mjs";

const folder = new URL(".", import.meta.url);
const names = process.argv.length > 2 ? process.argv.slice(2) : readdirSync(folder).filter((name) => name.endsWith(".json"));
const files = Object.fromEntries(names.map((name) => [name, JSON.parse(readFileSync(new URL(name, folder), "utf8"))]));
const { count, faults } = runAll(Machine, files);
for (const fault of faults) console.error(fault);
console.log(`${count} vectors, ${faults.length} failed`);
process.exit(faults.length > 0 || count === 0 ? 1 : 0);
