package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/client"
)

// verb is an operation at the command line, as far as that is not what the operation table makes of it: the operation's own name, the fields
// that are required as arguments, all others as flags.
type verb struct {
	operation string
	name      string
	// arguments are the fields that stand as arguments, in their order. One in brackets may be left out; FIELD=WORD is told as WORD.
	arguments string
	// given are the values of fields where nobody names another.
	given map[string]string
	// shows is the query for what a signed one was about, where none has its view.
	shows string
	// complete adds what can be looked up, beside the fields that are looked up for every operation.
	complete func(ctx context.Context, s *session, f fields) error
	// list reads an argument that is a list; one whose word ends in dots takes all arguments that are left.
	list func(cmd *cobra.Command, texts []string) (any, error)
	long string
}

// verbs is the table of verbs.
func verbs() []verb {
	return []verb{
		{operation: "token:Mint", arguments: "reference to=ADDRESS amount"},
		{operation: "token:Burn", arguments: "reference amount"},
		{operation: "token:Transfer", name: "pay", arguments: "to=ADDRESS amount"},
		{operation: "token:Sweep", arguments: "[account=ADDRESS]"},
		{operation: "token:Payout", arguments: "payments=FILE", list: readPayments, long: longPayout},
		{operation: "token:GetBalance", arguments: "[address]", complete: ownAddress},
		{operation: "token:TransferFrom", arguments: "owner to=ADDRESS amount"},

		{operation: "market:CreateListing", name: "list", arguments: "-", given: map[string]string{"stock": "1"}, long: longList},
		{operation: "market:EditListing", name: "edit", arguments: "listing", complete: keepTerms, long: longEdit},
		{operation: "market:CloseListing", name: "close"},
		{operation: "market:SuspendListing", name: "suspend"},
		{operation: "market:ResumeListing", name: "resume"},
		{operation: "market:PlaceOrder", name: "buy", arguments: "listing", given: map[string]string{"quantity": "1"}, complete: totalOfOrder, long: longBuy},
		{operation: "market:PlaceCart", name: "cart", arguments: "lines=LISTING...", list: readLines, complete: totalOfCart, long: longCart},
		{operation: "market:AcceptOrder", name: "accept"},
		{operation: "market:ShipOrder", name: "ship"},
		{operation: "market:HandOverOrder", name: "hand-over"},
		{operation: "market:ConfirmOrder", name: "confirm", arguments: "order [amount]"},
		{operation: "market:CancelOrder", name: "cancel"},
		{operation: "market:RefundOrder", name: "refund", arguments: "order [amount]"},
		{operation: "market:ExpireOrder", name: "expire"},
		{operation: "market:ReleaseOrder", name: "release"},
		{operation: "market:ProposeSplit", arguments: "order seller_amount"},
		{operation: "market:AgreeSplit", arguments: "order seller_amount"},
		{operation: "market:OpenAuction", arguments: "listing start_price step", given: map[string]string{"quantity": "1"}},
		{operation: "market:PlaceBid", name: "bid", arguments: "auction amount", shows: "market:GetAuction"},
		{operation: "market:MakeOffer", arguments: "listing total", given: map[string]string{"quantity": "1"}},
		{operation: "market:GiveReview", name: "review", shows: "market:GetReviews"},
		{operation: "market:SubmitEvidence", shows: "market:GetDispute"},
		{operation: "market:VoteDispute", name: "vote", shows: "market:GetDispute"},
	}
}

const (
	longPayout = "Pay up to 500 receivers at once, all or none. FILE has a line for each: an address and an amount in CMT; - reads it from the standard input."
	longList   = "Offer something for sale. The description stays with you: the ledger gets its salted SHA-256, of salt and content joined. Keep both, to show later what was offered."
	longEdit   = "Replace a listing's terms by a new version; what is not named stays as it is, and what is named without a value has none. Orders already placed keep theirs."
	longBuy    = "Buy: the total is held until the order settles. The hand-over code that is printed is yours: reveal it to whoever hands the goods over, and not before."
	longCart   = "Buy several listings of one seller in one order, all of it or nothing. LISTING is one of it; LISTING:QUANTITY so many, LISTING:QUANTITY:VARIANT of a variant."
)

// groups are the headings under which help lists an operation's verb, by contract.
var groups = []*cobra.Group{
	{ID: spec.TokenContract, Title: "Money:"},
	{ID: spec.MarketContract, Title: "Selling and buying:"},
	{ID: spec.ConsortiumContract, Title: "The consortium:"},
}

// verbOf returns how an operation is called; false when nobody can.
func verbOf(op *spec.Operation) (verb, bool) {
	v := verb{operation: op.FullName()}
	for _, row := range verbs() {
		if row.operation == op.FullName() {
			v = row
		}
	}
	if v.name == "" {
		v.name = kebab(op)
	}
	return v, op.Path != "" || op.Number > 0
}

// kebab is an operation's name as a command's: VoidHold is void-hold; GetHold, which asks for one, hold; and GetMint show-mint, as there is a Mint.
func kebab(op *spec.Operation) string {
	name := op.Name
	if op.Kind == spec.Query {
		name = regexp.MustCompile("^(Get|List)").ReplaceAllString(name, "")
		if spec.Find(op.Contract+":"+name) != nil {
			name = "Show" + name
		}
	}
	var out strings.Builder
	for i, r := range name {
		if r >= 'A' && r <= 'Z' && i > 0 {
			out.WriteByte('-')
		}
		out.WriteRune(r)
	}
	return strings.ToLower(out.String())
}

// verbCommands returns a command for each operation that somebody can call.
func (s *session) verbCommands() []*cobra.Command {
	var commands []*cobra.Command
	for i := range spec.Operations {
		if v, ok := verbOf(&spec.Operations[i]); ok {
			commands = append(commands, s.verbCommand(&spec.Operations[i], v))
		}
	}
	return commands
}

func (s *session) verbCommand(op *spec.Operation, v verb) *cobra.Command {
	cmd := &cobra.Command{Short: op.Doc, Long: v.long, GroupID: op.Contract}
	form := newForm(op, v)
	form.addFlags(cmd)
	cmd.Use, cmd.Args = form.use(v), form.count()
	cmd.RunE = func(cmd *cobra.Command, arguments []string) error {
		read, salts, err := form.read(cmd, arguments)
		if err == nil {
			err = s.complete(cmd.Context(), v, read)
		}
		var code string
		if err == nil {
			code, err = s.addCode(cmd.Context(), read)
		}
		if err != nil {
			return form.worded(err)
		}
		command, err := read.command()
		if err != nil {
			return form.worded(err)
		}
		receipt, err := s.do(cmd.Context(), op.FullName(), command, nil)
		if err != nil {
			warnOfCode(cmd, err, code)
			return err
		}
		if code != "" {
			salts = append(salts, extra{"hand_over_code", code})
		}
		return s.print(cmd, receipt.Result, append(salts, receiptExtras(receipt)...)...)
	}
	return cmd
}

// warnOfCode tells a code whose order may be there although nobody answered: nobody else knows it.
func warnOfCode(cmd *cobra.Command, err error, code string) {
	var problem *client.Problem
	if code != "" && (!errors.As(err, &problem) || problem.Code == spec.OutcomeUnknown) {
		fmt.Fprintf(cmd.ErrOrStderr(), "cmt: it may have been done; the hand-over code would be %s\n", code)
	}
}

func (s *session) callCommand() *cobra.Command {
	return &cobra.Command{
		Use: "call OPERATION [COMMAND]", Short: "Call any operation by its name, with its command as JSON", Args: cobra.RangeArgs(1, 2),
		Long: "Call any operation by its name, such as token:Transfer. COMMAND is its JSON object, as cmt operations --json describes it, without sub_account and hints; - reads it from the standard input.",
		RunE: func(cmd *cobra.Command, arguments []string) error {
			op := spec.Find(arguments[0])
			if op == nil {
				return spec.FieldErrorf(spec.UnknownOperation, "OPERATION", "%q is none: cmt operations lists them", arguments[0])
			}
			text := []byte("{}")
			var err error
			if len(arguments) == 2 {
				if text, err = readArgument(cmd, arguments[1]); err != nil {
					return err
				}
			}
			command, err := spec.DecodeCommand(op, text, "COMMAND")
			if err != nil {
				return err
			}
			return s.doAndPrint(cmd, op.FullName(), command)
		},
	}
}

// fields are the values of a command's fields as JSON, and the operation that they are for.
type fields struct {
	op     *spec.Operation
	values map[string]json.RawMessage
}

// absent is the value of a field that was named in order to have none.
var absent = json.RawMessage{}

// wants reports whether the command has a field that is not given.
func (f fields) wants(name string) bool {
	return f.op.Command.ProtoReflect().Descriptor().Fields().ByTextName(name) != nil && f.values[name] == nil
}

func (f fields) set(name string, value any) error {
	raw, err := json.Marshal(value)
	f.values[name] = raw
	return err
}

func (f fields) command() (proto.Message, error) {
	given := map[string]json.RawMessage{}
	for name, value := range f.values {
		if len(value) > 0 {
			given[name] = value
		}
	}
	text, err := json.Marshal(given)
	if err != nil {
		return nil, err
	}
	return spec.DecodeCommand(f.op, text, "")
}
