/** What the command line says about an import. */
const zh = {
  states: {
    waiting: '等待中',
    checking: '检查中',
    writing: '写入中',
    booking: '记账中',
    done: '完成',
    refused: '文件有错误',
    failed: '失败',
    cancelled: '已取消',
  },
  rows: '行',
  created: '新增',
  wouldCreate: '将新增',
  unchanged: '未变',
  booked: '期初余额入账',
  wouldBook: '期初余额将入账',
  nothing: '什么也没有导入',
  errors: (count: number) => `${count} 处错误：`,
  line: (row: number, column: string | null) => `第 ${row} 行${column === null ? '' : `，${column}`}`,
  more: (count: number) => `……还有 ${count} 处`,
  kept: (what: string, file: string) => `${what}已保存到 ${file}`,
  errorList: '错误清单',
  credentials: '凭据（仅此一次）',
  fetchLater: (until: string) => `新终端的凭据可在 ${until} 之前下载一次：加 --credentials，或在控制台下载`,
  cancelling: '正在取消……',
};

const en: typeof zh = {
  states: {
    waiting: 'waiting',
    checking: 'checking',
    writing: 'writing',
    booking: 'booking',
    done: 'done',
    refused: 'the file has errors',
    failed: 'failed',
    cancelled: 'cancelled',
  },
  rows: 'rows',
  created: 'created',
  wouldCreate: 'would be created',
  unchanged: 'unchanged',
  booked: 'balances booked',
  wouldBook: 'balances would be booked',
  nothing: 'nothing was imported',
  errors: (count) => `${count} errors:`,
  line: (row, column) => `row ${row}${column === null ? '' : `, ${column}`}`,
  more: (count) => `… and ${count} more`,
  kept: (what, file) => `${what} saved in ${file}`,
  errorList: 'List of errors',
  credentials: 'Credentials (shown this once)',
  fetchLater: (until) =>
    `Until ${until} the new terminals’ credentials can be fetched, once: by --credentials, or in the console`,
  cancelling: 'cancelling…',
};

export const WORDS = { zh, en };
export type ImportLanguage = keyof typeof WORDS;
