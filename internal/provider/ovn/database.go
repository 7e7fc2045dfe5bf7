// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ovn

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/ovn-kubernetes/libovsdb/cache"
	"github.com/ovn-kubernetes/libovsdb/client"
	"github.com/ovn-kubernetes/libovsdb/model"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/klog/v2"

	"ironcore.dev/networking/internal/provider/ovn/nb"
)

const (
	// connectTimeout bounds one attempt to find the leader and read everything, and findTimeout only to find the leader.
	connectTimeout = 10 * time.Second
	findTimeout    = 2 * time.Second
	// probeInterval is how often the connection is checked, and probeTimeout how long the member may take to answer.
	probeInterval = time.Second
	probeTimeout  = 3 * time.Second
)

var (
	// errNotConnected tells that the database has not answered yet.
	errNotConnected = errors.New("no answer yet")
	// errNotInitialized tells that nobody has written to the database yet: neither ovn-northd nor ovn-nbctl init.
	errNotInitialized = errors.New("NB_Global has no row")
)

// database is the connection to the north-bound database and the copy of it that a monitor keeps.
type database struct {
	options Options
	// changed is called for each change of a row, with nil before an insert and after a deletion; connected for each new copy.
	changed   func(before, after model.Model)
	connected func()

	// committing is held during a transaction: changes until its end go into the next one.
	committing sync.Mutex

	tried    chan struct{} // closed by the first attempt's end
	firstTry sync.Once

	mu sync.Mutex
	// client is nil while the database can't be reached, and err says why. alive ends when it is given up.
	client client.Client
	alive  context.Context
	err    error
	// waiting are the changes of the next transaction.
	waiting []*pendingChange
	// progress is closed whenever nb_cfg or sb_cfg of the copy may have changed.
	progress chan struct{}
}

func newDatabase(options Options) *database {
	return &database{
		options: options, tried: make(chan struct{}), err: errNotConnected, progress: make(chan struct{}),
	}
}

// run keeps a connection until the context ends.
func (d *database) run(ctx context.Context) {
	backoff := wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Jitter: 0.2, Steps: 5, Cap: 2 * time.Second}
	delay := backoff
	connectedMetric.WithLabelValues().Set(0)
	defer connectedMetric.Reset()
	for ctx.Err() == nil {
		alive, end := context.WithCancel(ctx)
		gone, err := d.connect(alive)
		if err == nil {
			delay = backoff
			connectedMetric.WithLabelValues().Set(1)
			d.connected()
			d.hold(ctx, gone)
			connectedMetric.WithLabelValues().Set(0)
			err = errors.New("the connection was lost")
		}
		end() // Close waits for the requests, so these end first.
		if connection, none := d.current(); none == nil {
			connection.Close()
		}
		d.set(ctx, nil, err)
		if ctx.Err() == nil {
			klog.FromContext(ctx).V(2).Info("OVN's north-bound database can't be reached, will try again", "err", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(delay.Step()):
		}
	}
}

// connect connects to the member that leads, and reads everything. It returns a channel that is closed if the connection is lost
// before the context ends.
func (d *database) connect(connected context.Context) (gone <-chan struct{}, err error) {
	ctx, cancel := context.WithTimeout(connected, connectTimeout)
	defer cancel()
	found, err := d.findLeader(ctx)
	if err != nil {
		return nil, err
	}
	connection, lost := found.connection, make(chan struct{})
	go func() {
		select {
		case <-found.disconnected:
			close(lost)
		case <-connected.Done():
		}
	}()
	connection.Cache().AddEventHandler(&cache.EventHandlerFuncs{
		AddFunc:    func(_ string, row model.Model) { d.event(nil, row) },
		UpdateFunc: func(_ string, before, after model.Model) { d.event(before, after) },
		DeleteFunc: func(_ string, row model.Model) { d.event(row, nil) },
	})
	monitor := connection.NewMonitor()
	for name, row := range found.tables {
		monitor.Tables = append(monitor.Tables, client.TableMonitor{Table: name, Fields: columnsOf(row.Elem())})
	}
	if _, err := connection.Monitor(ctx, monitor); err != nil {
		connection.Close()
		return nil, err
	}
	d.set(connected, connection, nil)
	return lost, nil
}

// attempt is the result of connecting to one member.
type attempt struct {
	connection   client.Client
	disconnected chan struct{}
	tables       map[string]reflect.Type
	err          error
}

// findLeader asks all members at once, so that a silent one delays nothing.
func (d *database) findLeader(ctx context.Context) (*attempt, error) {
	ctx, cancel := context.WithTimeout(ctx, findTimeout)
	defer cancel()
	attempts := make(chan *attempt)
	for _, address := range d.options.NB {
		go func() { attempts <- d.try(ctx, address) }()
	}
	var leader *attempt
	var errs []error
	for range d.options.NB {
		switch tried := <-attempts; {
		case tried.err != nil:
			errs = append(errs, tried.err)
		case leader != nil: // Two addresses may lead to the same member.
			tried.connection.Close()
		default:
			leader = tried
			cancel() // The others need not go on.
		}
	}
	if leader == nil {
		return nil, errors.Join(errs...)
	}
	return leader, nil
}

// try connects to one member, if it leads.
func (d *database) try(ctx context.Context, address string) *attempt {
	failed := func(err error) *attempt { return &attempt{err: fmt.Errorf("%s: %w", address, err)} }
	tables, err := nb.FullDatabaseModel()
	if err != nil {
		return failed(err)
	}
	tables.SetIndexes(map[string][]model.ClientIndex{
		tableRouter:     {{Columns: []model.ColumnKey{{Column: "external_ids", Key: idUID}}}},
		tableSwitch:     {{Columns: []model.ColumnKey{{Column: "external_ids", Key: idUID}}}},
		tableMACBinding: {{Columns: []model.ColumnKey{{Column: "logical_port"}}}},
		tablePortGroup:  {{Columns: []model.ColumnKey{{Column: "external_ids", Key: idUID}}}},
		tableAddressSet: {{Columns: []model.ColumnKey{{Column: "external_ids", Key: idUID}}}},
	})
	silent := logr.Discard() // Errors are returned.
	options := []client.Option{client.WithLeaderOnly(true), client.WithLogger(&silent), client.WithEndpoint(address)}
	var distrusted error
	if strings.HasPrefix(address, "ssl:") {
		config, err := d.options.tls(func(err error) { distrusted = err })
		if err != nil {
			return failed(err)
		}
		options = append(options, client.WithTLSConfig(config))
	}
	connection, err := client.NewOVSDBClient(tables, options...)
	if err != nil {
		return failed(err)
	}
	disconnected := connection.DisconnectNotify()
	if err := connection.Connect(ctx); err != nil {
		// err does not wrap the error of the certificate.
		return failed(errors.Join(distrusted, err))
	}
	return &attempt{connection: connection, disconnected: disconnected, tables: tables.Types()}
}

// columnsOf lists the columns of a model. The library drops an update that has any other column.
func columnsOf(row reflect.Type) []string {
	var columns []string
	for i := range row.NumField() {
		if column := row.Field(i).Tag.Get("ovsdb"); column != "_uuid" {
			columns = append(columns, column)
		}
	}
	return columns
}

// hold waits until the connection is lost or its member does not answer.
func (d *database) hold(ctx context.Context, lost <-chan struct{}) {
	connection, _ := d.current()
	probe := time.NewTicker(probeInterval)
	defer probe.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-lost:
			return
		case <-probe.C:
			probing, cancel := context.WithTimeout(ctx, probeTimeout)
			err := connection.Echo(probing)
			cancel()
			if err != nil {
				return
			}
		}
	}
}

func (d *database) set(alive context.Context, connection client.Client, err error) {
	d.mu.Lock()
	d.client, d.alive, d.err = connection, alive, err
	d.mu.Unlock()
	d.firstTry.Do(func() { close(d.tried) })
	d.moved()
}

func (d *database) event(before, after model.Model) {
	if _, ok := after.(*nb.NBGlobal); ok {
		d.moved()
	}
	d.changed(before, after)
}

// moved wakes those that wait for progress.
func (d *database) moved() {
	d.mu.Lock()
	defer d.mu.Unlock()
	close(d.progress)
	d.progress = make(chan struct{})
}

func (d *database) current() (client.Client, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.client == nil {
		return nil, &awayError{d.err}
	}
	return d.client, nil
}

// await waits for the first attempt, and returns the connection or why there is none.
func (d *database) await(ctx context.Context) (client.Client, error) {
	select {
	case <-d.tried:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return d.current()
}

// table returns the rows of a table in the copy.
func table(connection client.Client, name string) (*cache.RowCache, error) {
	copied := connection.Cache()
	if copied == nil || copied.Table(name) == nil {
		return nil, &awayError{errors.New("the connection was lost")}
	}
	return copied.Table(name), nil
}

// configuration returns the row whose nb_cfg counts the transactions, and whose sb_cfg is the last one that the south-bound
// database has.
func configuration(connection client.Client) (global *nb.NBGlobal, err error) {
	rows, err := table(connection, "NB_Global")
	if err != nil {
		return nil, err
	}
	for _, row := range rows.Rows() {
		return row.(*nb.NBGlobal), nil
	}
	return nil, &awayError{errNotInitialized}
}

// follow waits until the copy holds a transaction.
func (d *database) follow(ctx context.Context, connection client.Client, number int) error {
	for {
		d.mu.Lock()
		progress, same := d.progress, d.client == connection
		d.mu.Unlock()
		if !same {
			return &awayError{errors.New("the connection was lost")}
		}
		global, err := configuration(connection)
		if err != nil || global.NbCfg >= number {
			return err
		}
		select {
		case <-progress:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
