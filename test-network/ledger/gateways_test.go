//go:build network

package ledger

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/client"
)

// More buyers than units, at three gateways at once: as many orders as units, and a clear word for everyone else.
func TestLimitedStockIsSoldOnceAndNeverOver(t *testing.T) {
	const stock = 20
	seller := openREST(t, "merchant1", "outlet")
	var crowd []shopper
	var accounts []account
	for i := range buyers {
		one := openREST(t, testnet.facts.Gateways[i%len(testnet.facts.Gateways)].Organisation, fmt.Sprintf("hunter-%d", i))
		crowd, accounts = append(crowd, one), append(accounts, one.account)
	}
	fund(t, "10", accounts...)
	listing := seller.list(t, offer{price: price, stock: stock, lots: 3})

	var sold, soldOut atomic.Int64
	each(t, accounts, func(i int, _ account) error {
		order := crowd[i].orderOf(listing, price)
		var view spec.OrderView
		_, err := crowd[i].request(t, "market:PlaceOrder", order, &view, order.Reference)
		switch {
		case err == nil && view.State == spec.OrderState_ORDER_STATE_ACCEPTED:
			sold.Add(1)
		case spec.ErrorCode(err) == spec.SoldOut:
			soldOut.Add(1)
		default:
			return fmt.Errorf("%v: %w", view.State, err)
		}
		return nil
	})
	if sold.Load() != stock || soldOut.Load() != buyers-stock {
		t.Errorf("%d orders and %d times sold out, want %d and %d", sold.Load(), soldOut.Load(), stock, buyers-stock)
	}
	testnet.height(t)
	if left := seller.units(t, listing); left != 0 {
		t.Errorf("%d units are left", left)
	}
}

// replica is a second gateway of an organisation, with a database of its own, that the test runs itself.
type replica struct {
	command *exec.Cmd
	url     string
	key     string
}

// startReplica starts a gateway beside the organisation's own and waits until it is ready.
func startReplica(t *testing.T, organisation string) *replica {
	t.Helper()
	program, config := testnet.Program("cmt-gateway"), testnet.gatewayOf(organisation).Config
	environment := append(os.Environ(), "CMT_DATA="+t.TempDir(), "CMT_LISTEN=127.0.0.1:0")
	create := exec.Command(program, "key", "create", "--config", config, "--name", "replica", "--scopes", "all")
	create.Env = environment
	key, err := create.Output()
	if err != nil {
		t.Fatal(err)
	}
	r := &replica{command: exec.Command(program, "--config", config), key: strings.TrimSpace(string(key))}
	r.command.Env = environment
	log, err := r.command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.command.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if err := r.command.Wait(); err != nil {
			t.Errorf("the second gateway ends with %v", err)
		}
	})
	addresses := make(chan string, 1)
	go func() { // ends with the gateway's log
		lines := bufio.NewScanner(log)
		for lines.Scan() {
			var line struct{ Msg, Address string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "serving" {
				addresses <- line.Address
			}
		}
	}()
	select {
	case address := <-addresses:
		r.url = "http://" + address
	case <-time.After(patience):
		t.Fatal("the second gateway does not say where it serves")
	}
	return r
}

// Two gateways of one organisation know nothing of each other; what both do for one account at once happens all the same,
// each once.
func TestTwoGatewaysMoveOneAccount(t *testing.T) {
	const payments = 8
	second := startReplica(t, "merchant2")
	one := openREST(t, "merchant2", "shared")
	other := shopper{one.account, client.New(second.url, second.key)}
	fund(t, fmt.Sprint(2*payments), one.account)
	to := open(t, "buyers", "shared")

	var conflicts atomic.Int64
	each(t, make([]account, 2*payments), func(i int, _ account) error {
		by, key := []shopper{one, other}[i%2], reference()
		_, err := persist(func() (client.Receipt, error) {
			receipt, err := by.request(t, "token:Transfer", &spec.Transfer{Reference: key, To: to.address().Bytes(), Amount: cmt("1")}, nil, key)
			if spec.ErrorCode(err) == spec.Conflict {
				conflicts.Add(1) // nothing happened: the gateway lost to the other one too often, and says so
			} else if err != nil {
				t.Errorf("payment %s: %v", key, err)
			}
			return receipt, err
		})
		return err
	})
	t.Logf("%d payments, %d requests that lost to the other gateway to the end", 2*payments, conflicts.Load())
	testnet.height(t)
	if view := to.balance(t, to.address()); view.CreditCount != 2*payments || decimal(view.Credits) != fmt.Sprint(2*payments) {
		t.Errorf("%d payments of %s arrived, want %d", view.CreditCount, decimal(view.Credits), 2*payments)
	}
	if left := one.free(t); !left.IsZero() {
		t.Errorf("%s are left", left)
	}
}

// The sides of an order at three gateways: whatever they ask at once, the order ends once, and who came second is told so.
func TestOneEndOfAnOrderThroughThreeGateways(t *testing.T) {
	const rounds = 6
	seller, buyer, anyone := openREST(t, "merchant1", "ends"), openREST(t, "merchant2", "ends"), openREST(t, "fivemiles", "ends")
	fund(t, fmt.Sprint(10*rounds), buyer.account)
	listing := seller.list(t, offer{price: price, stock: rounds})
	for range rounds {
		order := buyer.buy(t, listing, price)
		asked := []struct {
			by        shopper
			operation string
			command   proto.Message
		}{
			{buyer, "market:ConfirmOrder", &spec.ConfirmOrder{Order: order.Order}},
			{seller, "market:RefundOrder", &spec.RefundOrder{Order: order.Order}},
			{buyer, "market:CancelOrder", &spec.CancelOrder{Order: order.Order}},
			{seller, "market:CancelOrder", &spec.CancelOrder{Order: order.Order}},
			{anyone, "market:ExpireOrder", &spec.ExpireOrder{Order: order.Order}},
		}
		var ended atomic.Int64
		each(t, make([]account, len(asked)), func(i int, _ account) error {
			_, err := asked[i].by.request(t, asked[i].operation, asked[i].command, nil, "")
			switch code := spec.ErrorCode(err); {
			case err == nil:
				ended.Add(1)
			case code != spec.WrongState && code != spec.NotDue:
				return fmt.Errorf("%s: %w", asked[i].operation, err)
			}
			return nil
		})
		if ended.Load() != 1 {
			t.Errorf("an order ended %d times", ended.Load())
		}
	}
}

// A caller that hangs up in the middle of a write and asks again under its key learns what became of the first.
func TestCallersWhoHangUpMayAskAgain(t *testing.T) {
	payer, to := openREST(t, "merchant2", "hasty"), open(t, "buyers", "hasty")
	const payments = 24
	fund(t, fmt.Sprint(payments), payer.account)
	each(t, make([]account, payments), func(i int, _ account) error {
		key := reference()
		call := payer.call("token:Transfer", &spec.Transfer{Reference: key, To: to.address().Bytes(), Amount: cmt("1")})
		hasty, cancel := context.WithTimeout(context.Background(), time.Duration(i)*20*time.Millisecond)
		defer cancel()
		_, _ = payer.rest.Do(hasty, call, nil, client.WithIdempotencyKey(key)) // whatever it would have said
		_, err := payer.rest.Do(short(t), call, nil, client.WithIdempotencyKey(key))
		return err
	})
	testnet.height(t)
	if view := to.balance(t, to.address()); view.CreditCount != payments {
		t.Errorf("%d payments arrived, want %d", view.CreditCount, payments)
	}
	if left := payer.free(t); !left.IsZero() {
		t.Errorf("%s are left", left)
	}
}
