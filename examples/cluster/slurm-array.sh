#!/bin/bash
# A sweep as an array of Slurm, then its union:
#
#   mkdir -p logs && sbatch --parsable examples/cluster/slurm-array.sh
#   sbatch --dependency=afterok:JOB --wrap 'flashcrowd sweep merge shards --out whole'
#
# A task that is killed or requeued goes on where it was: cells that are there are not played again.
#SBATCH --job-name=flashcrowd
#SBATCH --array=1-50
#SBATCH --cpus-per-task=2
#SBATCH --mem=2G
#SBATCH --time=01:00:00
#SBATCH --requeue
#SBATCH --output=logs/%A_%a.txt
set -euo pipefail

flashcrowd sweep "${SCENARIO:-@tune-week}" \
  --over services.summaries.autoscaler.spec.triggers.0.metadata.threshold=1,2,4,8,16 \
  --over pools.l40s.provisioning=3m,8m \
  --replicates 20 \
  --shard auto \
  --threads "${SLURM_CPUS_PER_TASK:-1}" \
  --out "shards/${SLURM_ARRAY_TASK_ID:?start it with sbatch}"
