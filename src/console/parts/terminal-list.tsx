import type { Terminal } from '../../http/schemas/terminals.ts';
import { useNarrow } from '../use-media.ts';
import { TerminalCards } from './terminal-cards.tsx';
import { TerminalTable } from './terminal-table.tsx';

export function TerminalList({ terminals }: { terminals: Terminal[] }) {
  return useNarrow() ? <TerminalCards terminals={terminals} showHousehold /> : <TerminalTable terminals={terminals} />;
}
