#!/bin/sh
# Makes Temporal's two databases, or brings them to the schema of this image's version. Safe to run again: a database that
# exists is kept, and only missing versions are applied. Connection from SQL_PLUGIN, SQL_HOST, SQL_PORT, SQL_USER and
# SQL_PASSWORD.
set -eu

migrate() {
  database=$1
  schema=$2
  temporal-sql-tool --database "$database" create-database
  temporal-sql-tool --database "$database" setup-schema --version 0.0
  temporal-sql-tool --database "$database" update-schema --schema-name "postgresql/v12/$schema"
}

migrate temporal temporal
migrate temporal_visibility visibility
