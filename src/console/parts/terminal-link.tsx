import { Link } from '@tanstack/react-router';

export function TerminalLink({ id }: { id: string }) {
  return (
    <Link to="/terminals/$id" params={{ id }} className="code">
      {id}
    </Link>
  );
}
