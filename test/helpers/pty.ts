import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** Two serial ports that are joined, as a cable joins them: pseudo-terminals, which Python can make and Node cannot. */

const SCRIPT = `
import os, pty, select, sys, termios, tty
ends = [pty.openpty(), pty.openpty()]
for master, slave in ends:
    tty.setraw(master); tty.setraw(slave)
print(*[os.ttyname(slave) for _, slave in ends], flush=True)
masters = [master for master, _ in ends]
while True:
    for ready in select.select(masters + [0], [], [])[0]:
        if ready == 0:
            sys.exit(0)
        data = os.read(ready, 4096)
        os.write(masters[1 - masters.index(ready)], data)
`;

export const noPython = (): string | false => spawnSync('python3', ['--version']).status !== 0 && 'there is no python3';

export async function joinedPorts(): Promise<{ ends: [string, string] } & AsyncDisposable> {
  const child = spawn('python3', ['-c', SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line]: string[] = await once(createInterface(child.stdout), 'line');
  const [one = '', other = ''] = (line ?? '').split(' ');
  return {
    ends: [one, other],
    async [Symbol.asyncDispose]() {
      const exited = once(child, 'exit');
      child.stdin.end();
      await exited;
    },
  };
}
