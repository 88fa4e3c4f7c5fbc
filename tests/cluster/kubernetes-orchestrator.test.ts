import { CLUSTER_TRAITS, makeClusterPlace } from '../../services/gateway/test/cluster-place.ts';
import { describeOrchestrator } from '../../services/gateway/test/describe-orchestrator.ts';

describeOrchestrator('kubernetes', makeClusterPlace, CLUSTER_TRAITS);
