import { Navigate } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useUser } from '../user.ts';

/** Another build than this one, made for a telephone. */
const RESIDENTS_PAGE = '/my/';

function ToResidentsPage() {
  useEffect(() => window.location.replace(RESIDENTS_PAGE), []);
  return null;
}

export function HomePage() {
  const { householdId } = useUser();
  return householdId === null ? <Navigate to="/terminals" replace /> : <ToResidentsPage />;
}
