package ledger

import (
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

func suspendListingKeys(t *task, c *spec.SuspendListing) []Key {
	return headKeys(t, identifier(c.Listing))
}

// suspendListing marks the current version's end, which orders read; that mark is never taken away. So no order reads a key that
// anybody rewrites, and a sale that is not suspended pays nothing for that it may be.
func suspendListing(t *task, c *spec.SuspendListing) (proto.Message, error) {
	id := identifier(c.Listing)
	head, err := t.listingThat(id, false)
	if err != nil {
		return nil, err
	}
	head.Suspended, head.Reason, head.ReasonHash = true, c.Reason, hash(c.ReasonHash)
	head.UpdatedAt = max(t.tx.Time, head.UpdatedAt)
	t.put(ListingKey(id), head)
	t.put(EndKey(id, head.Version), End{Cause: Suspended, Time: head.UpdatedAt})
	version, _ := get[Version](t, VersionKey(id, head.Version))
	return head.view(id, version), nil
}

func resumeListingKeys(t *task, c *spec.ResumeListing) []Key {
	return headKeys(t, identifier(c.Listing))
}

// resumeListing begins a new version with the terms of the one that was suspended.
func resumeListing(t *task, c *spec.ResumeListing) (proto.Message, error) {
	id := identifier(c.Listing)
	head, err := t.listingThat(id, true)
	if err != nil {
		return nil, err
	}
	version, _ := get[Version](t, VersionKey(id, head.Version))
	head.Suspended = false
	head.Version++
	head.UpdatedAt = max(t.tx.Time, head.UpdatedAt)
	version.CreatedAt = head.UpdatedAt
	t.put(ListingKey(id), head)
	t.put(VersionKey(id, head.Version), version)
	return head.view(id, version), nil
}

// listingThat returns an open listing, anybody's, that is or is not suspended.
func (t *task) listingThat(id spec.ID, suspended bool) (Listing, error) {
	head, ok := get[Listing](t, ListingKey(id))
	switch {
	case !ok:
		return head, spec.FieldErrorf(spec.NotFound, "listing", "there is no %s", id.Text(spec.ListingType))
	case head.Suspended != suspended:
		return head, spec.FieldErrorf(spec.WrongState, "listing", "is suspended: %t", head.Suspended)
	case head.Closed:
		return head, spec.FieldErrorf(spec.ListingClosed, "listing", "was closed on %s", utc(head.UpdatedAt))
	}
	return head, nil
}
