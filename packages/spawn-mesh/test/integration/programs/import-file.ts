/** Imports what comes on its standard input into a SQLite file. Usage: import-file.ts FILE */
import { sqliteStatestore } from "spawn-mesh/sqlite";
import { importSystem } from "spawn-mesh/transfer";

const [file = ""] = process.argv.slice(2);

await importSystem(sqliteStatestore({ file }), process.stdin, {
  system: "shop",
  onProgress: ({ rows }) => console.log(`states ${rows.state}`),
});
console.log("done");
