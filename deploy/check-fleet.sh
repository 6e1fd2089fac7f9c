#!/usr/bin/env bash
# Checks what a fleet is deployed with: each object that kustomization.yaml renders against Kubernetes' own schemas, and the compose
# files against that of compose. Rendering needs kubectl; without one the files are checked as they lie there, and this says so.
#   deploy/check-fleet.sh BIN      BIN is the folder of the tools: kubernetes-validate, check-jsonschema
set -euo pipefail
bin=$(cd "${1:?the folder of kubernetes-validate and check-jsonschema}" && pwd)
cd "$(dirname "$0")"
oldest=1.30 # the oldest version of Kubernetes that this is for

"$bin/check-jsonschema" --builtin-schema vendor.compose-spec compose*.yaml

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
cp -r kubernetes "$root/cell"
# The secrets are for whoever deploys it to bring: any content will do here.
sed -n 's|^ *- \(secrets/.*\)|\1|p' kubernetes/kustomization.yaml | while read -r secret; do echo none > "$root/cell/$secret"; done
if command -v kubectl >/dev/null; then
  kubectl kustomize "$root/cell" > "$root/rendered.yaml"
  found=("$root/rendered.yaml")
else
  echo "kubectl is not installed: what kustomization.yaml makes of the files was not checked"
  found=("$root"/cell/{migrate,worker,page,ingress,autoscaling}.yaml)
fi
for version in "$oldest" ""; do
  "$bin/kubernetes-validate" --strict --quiet ${version:+--kubernetes-version "$version"} "${found[@]}"
done
echo "deploy/kubernetes: every object is as Kubernetes $oldest and its newest version want it"
