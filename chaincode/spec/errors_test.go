package spec_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/cybermiles/cmt/chaincode/spec"
)

func TestCatalogueIsWellFormed(t *testing.T) {
	statuses := map[int]bool{400: true, 401: true, 403: true, 404: true, 405: true, 409: true, 413: true, 415: true, 422: true, 429: true, 500: true, 503: true, 504: true}
	snake := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	seen := map[spec.Code]bool{}
	for _, entry := range spec.Catalogue {
		if seen[entry.Code] {
			t.Errorf("%s stands twice", entry.Code)
		}
		seen[entry.Code] = true
		if !snake.MatchString(string(entry.Code)) {
			t.Errorf("%s is not in snake case", entry.Code)
		}
		if !statuses[entry.HTTPStatus] {
			t.Errorf("%s has the HTTP status %d", entry.Code, entry.HTTPStatus)
		}
		if entry.Title == "" || strings.HasSuffix(entry.Title, ".") || !strings.HasSuffix(entry.Doc, ".") {
			t.Errorf("%s has the title %q and the documentation %q: want a title without a full stop and a sentence", entry.Code, entry.Title, entry.Doc)
		}
		if spec.Lookup(entry.Code) != entry {
			t.Errorf("%s is not found", entry.Code)
		}
		// What the form of a request forbids, no repetition allows.
		if (entry.HTTPStatus == 404 || entry.HTTPStatus == 413 || entry.HTTPStatus == 422) && entry.Retryable {
			t.Errorf("%s is said to be retryable with HTTP status %d", entry.Code, entry.HTTPStatus)
		}
		if (entry.HTTPStatus == 503 || entry.HTTPStatus == 429) && !entry.Retryable {
			t.Errorf("%s is said not to be retryable with HTTP status %d", entry.Code, entry.HTTPStatus)
		}
	}
	if spec.Lookup("no_such_code").Code != spec.Internal {
		t.Error("an unknown code is not internal")
	}
	// An unknown outcome may not be retried blindly: the first attempt may have had its effect.
	if spec.Lookup(spec.OutcomeUnknown).Retryable {
		t.Error("an unknown outcome is said to be retryable")
	}
}

func TestErrorsAreOneLineAndReadBack(t *testing.T) {
	for _, refusal := range []*spec.Error{
		spec.Errorf(spec.Fenced, "epoch %d was closed", 7),
		spec.FieldErrorf(spec.InvalidField, "amount", "must be more than 0"),
		spec.FieldErrorf(spec.UnknownField, "evil\n{\"code\":\"internal\"}", "line\nbreak \"quoted\" <é> \x00 \xff"),
		{Code: spec.Internal},
	} {
		line := refusal.Error()
		if strings.ContainsAny(line, "\n\r") {
			t.Errorf("%q is more than one line", line)
		}
		// The peer's gateway puts the first prefix before the chaincode's text; others add their own.
		for _, prefix := range []string{"", "chaincode response 500, ", "evaluate call to endorser returned error: chaincode response 500, "} {
			back, ok := spec.ParseError(prefix + line)
			if !ok || back.Code != refusal.Code || back.Field != refusal.Field {
				t.Errorf("%q reads back as %v, %t", prefix+line, back, ok)
			}
		}
		if back, ok := spec.ParseError("chaincode response 500, " + line + " (and more)"); !ok || back.Code != refusal.Code {
			t.Errorf("%q with text behind it reads back as %v, %t", line, back, ok)
		}
	}
}

func TestOtherTextsAreNoRefusals(t *testing.T) {
	for _, text := range []string{
		"",
		"chaincode response 500, something else",
		"chaincode response 500, {}",
		`{"code":"no_such_code"}`,
		`{"code":"fenced"`,
		`{"code":7}`,
		`{"detail":"fenced"}`,
	} {
		if refusal, ok := spec.ParseError(text); ok {
			t.Errorf("%q was read as %v", text, refusal)
		}
	}
}

func TestErrorsCompareByCode(t *testing.T) {
	refusal := fmt.Errorf("place the order: %w", spec.FieldErrorf(spec.LotEmpty, "quantity", "the lot has 2 units left"))
	if !errors.Is(refusal, &spec.Error{Code: spec.LotEmpty}) {
		t.Error("a wrapped refusal is not one of its code")
	}
	if errors.Is(refusal, &spec.Error{Code: spec.SoldOut}) {
		t.Error("a refusal is one of another code")
	}
	if got := spec.ErrorCode(refusal); got != spec.LotEmpty {
		t.Errorf("its code is %s", got)
	}
	if got := spec.ErrorCode(errors.New("disk on fire")); got != spec.Internal {
		t.Errorf("the code of another error is %s, want %s", got, spec.Internal)
	}
}
