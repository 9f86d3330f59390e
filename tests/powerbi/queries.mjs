// Parses the queries (M) of semantic models with Microsoft's parser.
//
//     NODE_MODULES=FOLDER node queries.mjs DEFINITION...
//
// DEFINITION is the folder `definition` of a semantic model, NODE_MODULES a folder in which
// package.json was installed. The exit code is 1 if a query is not valid.
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const require = createRequire(path.join(path.resolve(process.env.NODE_MODULES), "node_modules", "/"));
const { DefaultSettings, TaskUtils } = require("@microsoft/powerquery-parser");

// Returns the queries of tables: the lines below `source =` that are indented more.
function tableQuery(text) {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => /^\t\tsource =/.test(line));
  const rest = start < 0 ? [] : lines.slice(start + 1);
  const end = rest.findIndex((line) => !line.startsWith("\t\t\t"));
  return rest.slice(0, end < 0 ? rest.length : end).join("\n");
}

let parsed = 0;
for (const folder of process.argv.slice(2)) {
  const queries = [];
  for (const name of fs.readdirSync(path.join(folder, "tables"))) {
    const text = fs.readFileSync(path.join(folder, "tables", name), "utf8");
    queries.push([`tables/${name}`, tableQuery(text)]);
  }
  const expressions = fs.readFileSync(path.join(folder, "expressions.tmdl"), "utf8");
  for (const [, name, query] of expressions.matchAll(/^expression (\S+|'[^']*') = (.*)$/gm)) {
    queries.push([`expressions.tmdl, ${name}`, query]);
  }
  for (const [name, query] of queries) {
    const task = await TaskUtils.tryLexParse(DefaultSettings, query);
    parsed += 1;
    if (query.trim() === "" || !TaskUtils.isParseStageOk(task)) {
      const reason = task.error?.innerError?.message ?? task.error?.message ?? "no query";
      console.error(`${folder}: ${name}: ${reason.replaceAll("\n", " ")}`);
      process.exitCode = 1;
    }
  }
}
console.log(`${parsed} queries`);
if (parsed === 0) process.exitCode = 1;
