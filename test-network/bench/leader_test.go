package bench

import "testing"

func TestLeaderIDIsThatOfTheChannel(t *testing.T) {
	const metrics = `# HELP consensus_BFT_leader_id the id of the current leader
# TYPE consensus_BFT_leader_id gauge
consensus_BFT_leader_id{channel="other"} 4
consensus_BFT_leader_id{channel="cmt"} 3
consensus_BFT_cluster_size{channel="cmt"} 4
`
	if id, err := leaderID(metrics, "cmt"); err != nil || id != 3 {
		t.Errorf("%d, %v, want 3", id, err)
	}
	if _, err := leaderID(metrics, "none"); err == nil {
		t.Error("a leader of a channel that is not there")
	}
	if _, err := leaderID("", "cmt"); err == nil {
		t.Error("a leader in no metrics")
	}
}
