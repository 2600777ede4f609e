/** What can be wrong with a file or a row, whatever is in it. The codes are part of the API. */

/** What a code means, for people. */
export type Words = { zh: string; en: string };

export const FILE_ERRORS = {
  bad_csv: {
    zh: '不是规范的 CSV：引号未闭合、单元格过多或过长',
    en: 'Not well-formed CSV: an open quote, too many cells, or too long',
  },
  bad_xlsx: {
    zh: '不是完好的 XLSX 工作簿，或某一行单元格过多、过长',
    en: 'Not a whole XLSX workbook, or a row with too many cells, or too long',
  },
  old_excel: {
    zh: '旧版 Excel 文件（.xls）：请另存为 .xlsx 或 CSV',
    en: 'A file of an old Excel (.xls): save it as .xlsx or CSV',
  },
  locked_file: { zh: '文件有密码：请去掉密码再导入', en: 'The file has a password: save it without one' },
  cell_error: { zh: '公式出错，没有值', en: 'A formula that failed has no value' },
  bad_encoding: { zh: '文件编码既不是 UTF-8 也不是 GB18030', en: 'Neither UTF-8 nor GB18030' },
  unknown_column: { zh: '没有这种列', en: 'There is no such column' },
  missing_column: { zh: '缺少这一列', en: 'This column is missing' },
  duplicate_column: { zh: '这一列出现了两次', en: 'This column is there twice' },
  no_rows: { zh: '文件里没有数据行', en: 'The file has no rows' },
  too_many_rows: { zh: '行数超过上限，请分成几个文件', en: 'More rows than are taken at once; split the file' },
  missing: { zh: '必须填写', en: 'This cell must be filled in' },
} as const satisfies Record<string, Words>;
type FileErrorCode = keyof typeof FILE_ERRORS;

export interface RowError {
  /** As a spreadsheet counts: the header is row 1. */
  row: number;
  /** Null where it is the row or the file. */
  column: string | null;
  code: string;
  /** What stood there, cut when it is long. */
  value: string;
}

const LONGEST_VALUE = 100;

export const rowError = (row: number, column: string | null, code: string, value = ''): RowError => ({
  row,
  column,
  code,
  value: value.slice(0, LONGEST_VALUE),
});

/** The file cannot be read further. */
export class SheetTrouble extends Error {
  readonly row: number;
  readonly code: FileErrorCode;
  readonly value: string;

  constructor(row: number, code: FileErrorCode, value: string) {
    super(code);
    this.row = row;
    this.code = code;
    this.value = value;
  }
}
