// Runs Microsoft's validator of reports on projects.
//
//     NODE_MODULES=FOLDER node validate.mjs SCHEMAS PROJECT.pbip...
//
// NODE_MODULES is a folder in which package.json was installed. The validator downloads schemas.
// Here, it gets them from the folder SCHEMAS, which schemas.py writes. The exit code is 1 if a
// project has errors or warnings, or if the validator asks for a schema that is not there.
import { EventEmitter } from "node:events";
import fs from "node:fs";
import https from "node:https";
import { syncBuiltinESMExports } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [schemas, ...projects] = process.argv.slice(2);
const BASE = "https://developer.microsoft.com/json-schemas/";
const missing = new Set();

https.get = (address, options, callback) => {
  const respond = callback ?? options;
  const file = path.join(schemas, String(address).replace(BASE, ""));
  const exists = String(address).startsWith(BASE) && fs.existsSync(file);
  if (!exists) missing.add(String(address));
  const request = new EventEmitter();
  request.destroy = () => {};
  queueMicrotask(() => {
    const response = new EventEmitter();
    const statusCode = exists ? 200 : 404;
    Object.assign(response, { resume() {}, setEncoding() {}, statusCode, headers: {} });
    respond(response);
    queueMicrotask(() => {
      if (exists) response.emit("data", fs.readFileSync(file, "utf8"));
      response.emit("end");
    });
  });
  return request;
};
syncBuiltinESMExports();

const folder = path.join(path.resolve(process.env.NODE_MODULES), "node_modules", "/");
const entry = path.join(folder, "@microsoft/powerbi-report-authoring-cli/dist/index.js");
const { getMetadataProvider, locateReport, runReportValidation } = await import(
  pathToFileURL(entry).href
);
const provider = await getMetadataProvider();
const description = path.join(folder, "@microsoft/powerbi-report-authoring-cli/package.json");
const { version } = JSON.parse(fs.readFileSync(description, "utf8"));
for (const project of projects) {
  let found;
  try {
    found = await runReportValidation({ ...locateReport(project), provider, skipSchema: false });
  } catch (error) {
    console.error(`${project}: ${String(error.message).replaceAll("\n", " ")}`);
    process.exitCode = 1;
    continue;
  }
  const { errorCount, warningCount, result } = found;
  console.log(`${project}: ${result}, ${errorCount} errors, ${warningCount} warnings`);
  for (const [code, group] of Object.entries(found.diagnostics)) {
    for (const item of group.items) {
      const place = `${path.relative(path.dirname(project), item.file ?? "")} ${item.path ?? ""}`;
      console.error(`${project}: ${group.severity} ${code}: ${item.message.replaceAll("\n", " ")} | ${place}`);
    }
  }
  for (const address of missing) console.error(`${project}: there is no schema ${address}`);
  if (missing.size > 0) process.exitCode = 1;
  missing.clear();
  if (result === "failed" || errorCount + warningCount > 0) process.exitCode = 1;
}
console.log(`validator ${version}, ${projects.length} projects`);
