#!/usr/bin/env bash
# Renews .sqlx, what the compiler checks queries against, after a change of a query or a migration:
#   DATABASE_URL=postgres://… store/prepare.sh
# The database must be one that this script may create another one beside, and drop it again.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${DATABASE_URL:?name a PostgreSQL, for example with: eval \"\$(scripts/postgres.sh --ephemeral prepare)\"}"

name=brokerd_prepare_$$
server=${DATABASE_URL%/*}
psql "$DATABASE_URL" -qc "create database $name"
trap 'psql "$DATABASE_URL" -qc "drop database $name"' EXIT
for migration in migrations/*.sql; do
  psql "$server/$name" -q -v ON_ERROR_STOP=1 -f "$migration"
done

fresh=$(mktemp -d)
find store/src -name "*.rs" -exec touch {} +
DATABASE_URL="$server/$name" SQLX_OFFLINE=false SQLX_OFFLINE_DIR="$fresh" cargo check --quiet -p brokerd-store --all-targets
rm -rf .sqlx
mv "$fresh" .sqlx
chmod 755 .sqlx
echo "prepared $(find .sqlx -name '*.json' | wc -l) queries"
