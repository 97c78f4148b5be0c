#!/bin/sh
# Creates the namespace and the search attributes of a run, where they are missing. Safe to run again. The server comes from
# TEMPORAL_ADDRESS, the namespace from TEMPORAL_NAMESPACE.
set -eu

namespace=${TEMPORAL_NAMESPACE:-default}
retention=${TEMPORAL_RETENTION:-30d}

# wait_for WHAT COMMAND...: tries for two minutes.
wait_for() {
  what=$1
  shift
  tries=120
  until "$@" >/dev/null 2>&1; do
    tries=$((tries - 1))
    if [ "$tries" -le 0 ]; then
      echo "create-namespace: $what at ${TEMPORAL_ADDRESS:-localhost:7233} is not ready after two minutes; see the server's log" >&2
      "$@" >&2
      exit 1
    fi
    sleep 1
  done
}

# A frontend that listens may not serve yet.
wait_for 'the server' temporal operator cluster health

if temporal operator namespace describe --namespace "$namespace" >/dev/null 2>&1; then
  echo "namespace $namespace is there"
else
  temporal operator namespace create --namespace "$namespace" --retention "$retention"
fi

# The server reads its list of namespaces only every few seconds.
wait_for "namespace $namespace" temporal operator search-attribute list --namespace "$namespace"
known=$(temporal operator search-attribute list --namespace "$namespace")
for name in RehearseStage RehearseTargetModel RehearsePaused; do
  case "$known" in
    *"$name"*) echo "search attribute $name is there" ;;
    *) temporal operator search-attribute create --namespace "$namespace" --name "$name" --type Keyword ;;
  esac
done
