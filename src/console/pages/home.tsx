import { Navigate } from '@tanstack/react-router';
import { useUser } from '../user.ts';

export function HomePage() {
  const { householdId } = useUser();
  if (householdId !== null) return <Navigate to="/households/$id" params={{ id: householdId }} replace />;
  return <Navigate to="/terminals" replace />;
}
