package prodsmart_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// connect gives a client of a pretend Prodsmart. For a real one URL is
// https://app.prodsmart.com, Insecure is left out, and key and secret are those of a
// user.
func connect() (*prodsmart.Client, func()) {
	server, err := mes.New(mes.Config{Key: "key", Secret: "secret",
		Channels: []mes.ChannelSetup{{Name: "orders", Type: "PRODUCTION_ORDER"}},
		Machines: []mes.MachineSetup{{Code: "PRESS-1", Waste: []string{"SCRAP"}}}})
	if err != nil {
		log.Fatal(err)
	}
	address, err := server.Serve("127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	client, err := prodsmart.New(prodsmart.Config{
		URL: "http://" + address, Insecure: true,
		Key: prodsmart.NewSecret("key"), Secret: prodsmart.NewSecret("secret"),
	})
	if err != nil {
		log.Fatal(err)
	}
	return client, func() {
		client.Close()
		_ = server.Close()
	}
}

func order(code string, quantity int64) prodsmart.ProductionOrder {
	start := time.Date(2030, 1, 10, 6, 0, 0, 0, time.UTC)
	return prodsmart.ProductionOrder{Code: code, Start: start, Due: start.AddDate(0, 0, 2), Active: prodsmart.Yes,
		Products: []prodsmart.OrderProduct{{Product: "BOLT", Ordered: prodsmart.NewDecimal(quantity)}}}
}

// A machine's total is told with its waste so far. The answer says what to do next;
// there is no error beside it.
func ExampleClient_Send() {
	client, stop := connect()
	defer stop()
	post := prodsmart.Post{Machine: "PRESS-1", Service: prodsmart.CounterService,
		Body: prodsmart.CounterBody(500, []prodsmart.Waste{{Code: "SCRAP", Quantity: 20}}, nil)}
	answer := client.Send(context.Background(), post)
	fmt.Println(answer.Verdict, *answer.Counter)
	answer = client.Send(context.Background(), post)
	fmt.Println(answer.Verdict, answer.Text)
	// Output:
	// accepted 500
	// refused Waste SCRAP must be greater than 20
}

// All orders that are not begun, page by page.
func ExampleLister_All() {
	client, stop := connect()
	defer stop()
	ctx := context.Background()
	for i := range 30 {
		if _, err := client.ProductionOrders().Create(ctx, order(fmt.Sprintf("WO-%02d", i), 100)); err != nil {
			log.Fatal(err)
		}
	}
	n := 0
	for o, err := range client.ProductionOrders().All(ctx, prodsmart.ProductionOrderQuery{RunningStatus: "notstarted"}) {
		if err != nil {
			log.Fatal(err)
		}
		if n++; n == 1 {
			fmt.Println(o.Code, o.Due.Format(time.DateOnly), o.Products[0].Ordered)
		}
	}
	fmt.Println(n, "orders")
	// Output:
	// WO-00 2030-01-12 100
	// 30 orders
}

// An order is read, changed and written as a whole, so that its workers, its location
// and what this package does not know stay as they are.
func ExampleProductionOrders_Edit() {
	client, stop := connect()
	defer stop()
	ctx := context.Background()
	made, err := client.ProductionOrders().Create(ctx, order("WO-77", 4500))
	if err != nil {
		log.Fatal(err)
	}
	o, err := client.ProductionOrders().Edit(ctx, made.ID, func(o *prodsmart.ProductionOrder) error {
		o.Due = o.Due.AddDate(0, 0, 1)
		o.Products[0].Ordered = prodsmart.NewDecimal(5000)
		return nil
	})
	fmt.Println(o.Due.Format(time.DateOnly), o.Products[0].Ordered, err)
	// Output: 2030-01-13 5000 <nil>
}

// What comes out of a change channel is not there any more: keep it before reading it.
func ExampleClient_Changes() {
	client, stop := connect()
	defer stop()
	ctx := context.Background()
	if _, err := client.ProductionOrders().Create(ctx, order("WO-1", 10)); err != nil {
		log.Fatal(err)
	}
	for {
		batch, err := client.Changes(ctx, "orders", false)
		if err != nil {
			log.Fatal(err) // and read the lists: something may be lost
		}
		for _, raw := range batch {
			o := client.ReadProductionOrder(raw)
			fmt.Println(o.Code, o.RunningStatus)
		}
		if len(batch) < prodsmart.PageSize {
			break
		}
	}
	// Output: WO-1 notstarted
}

// A product is changed with everything that Prodsmart knows of it: what is left out of a
// request counts as deleted there.
func ExampleProducts_Edit() {
	client, stop := connect()
	defer stop()
	ctx := context.Background()
	if _, err := client.Products().Create(ctx, prodsmart.Product{Code: "BOLT", Name: "Bolt", Operations: []prodsmart.ProductOperation{{Code: "OP10", Name: "Turn"}}}); err != nil {
		log.Fatal(err)
	}
	if err := client.SetBOM(ctx, "BOLT", prodsmart.Component{Product: "ROD", Quantity: prodsmart.NewDecimal(1)}); err != nil {
		log.Fatal(err)
	}
	product, err := client.Products().Edit(ctx, "BOLT", func(p *prodsmart.Product) error {
		p.Name = "Bolt M8"
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(product.Name, len(product.Operations), "operation")
	// Output: Bolt M8 1 operation
}

// A production record is corrected from what it is; UpdateProduction sends the change.
func ExampleProduction_Change() {
	record := prodsmart.Production{ID: 7, Order: prodsmart.Reference{Code: "WO-77"}, Product: "BOLT", Operation: "OP10", Worker: prodsmart.Worker{Number: "2"},
		Quantity: prodsmart.NewDecimal(480), Start: time.Date(2030, 1, 10, 6, 0, 0, 0, time.UTC), Open: true}
	change, err := record.Change()
	if err != nil {
		log.Fatal(err)
	}
	change.Quantity, change.Lot = prodsmart.NewDecimal(470), "L-86"
	fmt.Println(change.Order, change.Operation, change.Quantity, change.Lot)
	// Output: WO-77 OP10 470 L-86
}
