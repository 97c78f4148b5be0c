#!/bin/sh
# Creates the namespace and the search attributes of a run, where they are missing. Safe to run again. The server comes from
# TEMPORAL_ADDRESS, the namespace from TEMPORAL_NAMESPACE.
set -eu

namespace=${TEMPORAL_NAMESPACE:-default}
retention=${TEMPORAL_RETENTION:-30d}
tries=60

# A frontend that listens may not serve yet.
until temporal operator cluster health >/dev/null 2>&1; do
  tries=$((tries - 1))
  if [ "$tries" -le 0 ]; then
    echo "create-namespace: the server at ${TEMPORAL_ADDRESS:-localhost:7233} does not become healthy; see its log" >&2
    exit 1
  fi
  sleep 2
done

if temporal operator namespace describe --namespace "$namespace" >/dev/null 2>&1; then
  echo "namespace $namespace is there"
else
  temporal operator namespace create --namespace "$namespace" --retention "$retention"
fi

known=$(temporal operator search-attribute list --namespace "$namespace")
for name in RehearseStage RehearseTargetModel; do
  case "$known" in
    *"$name"*) echo "search attribute $name is there" ;;
    *) temporal operator search-attribute create --namespace "$namespace" --name "$name" --type Keyword ;;
  esac
done
