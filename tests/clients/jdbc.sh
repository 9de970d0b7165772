#!/bin/bash
# PostgreSQL's JDBC driver: jdbc/Client.java, run from its source.
jar=/usr/share/java/postgresql.jar
command -v java >/dev/null && java --list-modules 2>/dev/null | grep -q jdk.compiler && [ -e $jar ] || exit 77
psql -X -q -d postgres -c 'CREATE DATABASE clients_jdbc' || exit 1
psql -X -q -v ON_ERROR_STOP=1 -d clients_jdbc -f "$(dirname "$0")/schema.sql" || exit 1
exec java -XX:TieredStopAtLevel=1 -cp $jar "$(dirname "$0")/jdbc/Client.java" "$1"
