import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { type Finding, fail, messageOf, ok } from './finding.ts';

/** The DuckDB files, while no gateway runs. */

/** Attaches every file for reading only, which also checks what a crash left in its log. */
export async function duckdbFinding(folder: string): Promise<Finding> {
  if (!existsSync(folder))
    return ok('timeseries', { zh: 'DuckDB，首次启动时建立', en: 'DuckDB, made at the first start' });
  const files = (await readdir(folder)).filter((name) => name.endsWith('.duckdb')).sort();
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    for (const name of files) {
      const file = join(folder, name);
      try {
        await connection.run(`attach '${file.replaceAll("'", "''")}' as looked_at (read_only)`);
        await connection.run('detach looked_at');
      } catch (error) {
        return fail('timeseries', `DuckDB: ${messageOf(error)}`, {
          zh: `把 ${file} 移开并保存，再用备份恢复；没有备份时网关会从空文件开始`,
          en: `move ${file} away and keep it, then restore a backup; without one the gateway begins that month anew`,
        });
      }
    }
    return ok('timeseries', { zh: `DuckDB，${files.length} 个文件可以打开`, en: `DuckDB, ${files.length} files open` });
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
