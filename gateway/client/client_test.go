package client_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/client"
	"github.com/cybermiles/cmt/gateway/internal/gatewaytest"
	"github.com/cybermiles/cmt/gateway/internal/memledger"
)

func TestDo(t *testing.T) {
	chain := gatewaytest.Chain(t)
	g := gatewaytest.New(t, chain, memledger.Members[0])
	c := client.New(g.Server.URL+"/", g.Key(t, nil))
	shop := spec.OrganisationAddress(memledger.Members[1])

	pay := &spec.Call{Operation: spec.Find("token:Transfer"), Command: &spec.Transfer{Reference: "r", To: shop.Bytes(), Amount: spec.CMT(3).Bytes(), Memo: "a/b ä"}}
	var made spec.TransferView
	receipt, err := c.Do(t.Context(), pay, &made, client.WithIdempotencyKey("k"))
	if err != nil || len(receipt.Transaction) != 64 || receipt.Block == 0 || receipt.Replayed || made.GetMemo() != "a/b ä" {
		t.Fatalf("got %+v %v", receipt, err)
	}
	if again, err := c.Do(t.Context(), pay, nil, client.WithIdempotencyKey("k")); err != nil || !again.Replayed || again.Transaction != receipt.Transaction {
		t.Errorf("again: %+v %v", again, err)
	}
	// A query's fields go into path and query.
	var page spec.CreditPage
	list := &spec.Call{Operation: spec.Find("token:ListCredits"), Command: &spec.ListCredits{Address: shop.Bytes(), Limit: 1}}
	if _, err := c.Do(t.Context(), list, &page); err != nil || len(page.GetCredits()) != 1 {
		t.Errorf("credits: %v %v", &page, err)
	}
	var supply spec.Supply
	if _, err := c.Do(t.Context(), &spec.Call{Operation: spec.Find("token:GetSupply"), Command: &spec.GetSupply{}}, &supply); err != nil {
		t.Errorf("supply: %v", err)
	}
}

func TestProblems(t *testing.T) {
	chain := gatewaytest.Chain(t)
	g := gatewaytest.New(t, chain, memledger.Members[0])
	get := &spec.Call{Operation: spec.Find("market:GetOrder"), Command: &spec.GetOrder{Order: make([]byte, 20)}}
	_, err := client.New(g.Server.URL, g.Key(t, nil)).Do(t.Context(), get, nil)
	var problem *client.Problem
	if !errors.As(err, &problem) || problem.Code != spec.NotFound || problem.Field != "order" || problem.Status != 404 {
		t.Errorf("got %v", err)
	}
	if spec.ErrorCode(err) != spec.NotFound || strings.Contains(err.Error(), "\n") {
		t.Errorf("as a refusal: %v", err)
	}
	if _, err := client.New(g.Server.URL, "").Do(t.Context(), get, nil); spec.ErrorCode(err) != spec.Unauthenticated {
		t.Errorf("without a key: %v", err)
	}
	genesis := &spec.Call{Operation: spec.Find("consortium:Genesis"), Command: &spec.Genesis{}}
	if _, err := client.New(g.Server.URL, "").Do(t.Context(), genesis, nil); err == nil {
		t.Error("an operation without a path was sent")
	}
}

func TestSomethingElseAnswers(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		_, _ = w.Write([]byte("<html>"))
	}))
	defer other.Close()
	_, err := client.New(other.URL, "").Do(t.Context(), &spec.Call{Operation: spec.Find("token:GetSupply"), Command: &spec.GetSupply{}}, nil)
	if err == nil || !strings.Contains(err.Error(), "is the URL right?") {
		t.Errorf("got %v", err)
	}
}
