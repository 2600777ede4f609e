import type { Column } from './import-sheet.ts';

/** What can be wrong with a row, in words. The codes are part of the API. */
export const IMPORT_ERRORS = {
  bad_csv: {
    zh: '不是规范的 CSV：引号未闭合、单元格过多或过长',
    en: 'Not well-formed CSV: an open quote, too many cells, or too long',
  },
  bad_encoding: { zh: '文件编码既不是 UTF-8 也不是 GB18030', en: 'Neither UTF-8 nor GB18030' },
  unknown_column: { zh: '没有这种列', en: 'There is no such column' },
  missing_column: { zh: '缺少这一列', en: 'This column is missing' },
  duplicate_column: { zh: '这一列出现了两次', en: 'This column is there twice' },
  no_rows: { zh: '文件里没有数据行', en: 'The file has no rows' },
  too_many_rows: { zh: '行数超过上限，请分成几个文件', en: 'More rows than are taken at once; split the file' },
  missing: { zh: '必须填写', en: 'This cell must be filled in' },
  bad_id: {
    zh: '终端号只能用字母、数字、横线和下划线，最多 64 个字符',
    en: 'Letters, digits, - and _ only, at most 64',
  },
  duplicate_id: { zh: '该终端号在文件中出现过', en: 'The file has this id already' },
  id_taken: { zh: '该终端号已被使用', en: 'This id is taken' },
  differs: { zh: '该终端已登记，但这一项与登记的不同', en: 'The terminal exists already and differs here' },
  unknown_profile: { zh: '没有这种终端类型', en: 'There is no such profile' },
  unknown_household: { zh: '没有这个住户', en: 'There is no such household' },
  two_households: { zh: '户号与住户编号不是同一户', en: 'The account number and the id name different households' },
  unknown_area: { zh: '没有这个区域代码', en: 'There is no such area' },
  unknown_via: { zh: '没有这个集中器', en: 'There is no such concentrator' },
  not_for_mqtt: { zh: 'MQTT 终端不填这一列', en: 'Not for an MQTT terminal' },
  not_for_modbus: { zh: 'Modbus 终端不填这一列', en: 'Not for a Modbus terminal' },
  not_in_file: { zh: '表计须逐台登记，不能用文件导入', en: 'Meters are registered one by one' },
  not_claimable: {
    zh: '待认领的须是 MQTT 终端，且不填住户',
    en: 'Only an MQTT terminal without a household can wait to be claimed',
  },
  bad_host: { zh: '主机名或地址不对', en: 'Not a host name or address' },
  bad_port: { zh: '端口应为 1 到 65535', en: 'A port is 1 to 65535' },
  bad_unit: { zh: '从站号应为 1 到 247', en: 'A unit is 1 to 247' },
  line_not_set_up: { zh: '该 Modbus 线路须先由管理员设置', en: 'An admin has to set up this Modbus line first' },
  unit_taken: { zh: '该从站已属于另一终端', en: 'The unit is another terminal’s' },
  bad_time: { zh: '时间应如 2026-11-01 或 2026-11-01 08:30', en: 'A time is like 2026-11-01 or 2026-11-01 08:30' },
} as const satisfies Record<string, { zh: string; en: string }>;
export type ImportErrorCode = keyof typeof IMPORT_ERRORS;

export interface RowError {
  /** As a spreadsheet counts: the header is row 1. */
  row: number;
  /** Null where it is the row or the file. */
  column: Column | null;
  code: ImportErrorCode;
  /** What stood there, cut when it is long. */
  value: string;
}

const LONGEST_VALUE = 100;

export const rowError = (row: number, column: Column | null, code: ImportErrorCode, value = ''): RowError => ({
  row,
  column,
  code,
  value: value.slice(0, LONGEST_VALUE),
});
