import { Link } from '@tanstack/react-router';

export function LineLink({ id, children = id }: { id: string; children?: string }) {
  return (
    <Link to="/lines/$id" params={{ id }} className="code">
      {children}
    </Link>
  );
}
