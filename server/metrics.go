package server

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"glean/server/engine"
)

// meters are the metrics of the process and of HTTP. Those of the engine are read on
// the loop at each scrape.
type meters struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newMeters(v Version) *meters {
	m := &meters{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "glean_http_requests_total", Help: "Requests answered, by route and status.",
		}, []string{"method", "route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "glean_http_request_seconds", Help: "Time to answer a request, by route. Event streams are left out.",
			Buckets: []float64{.001, .01, .1, 1}, // few, because each route has all buckets
		}, []string{"route"}),
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "glean_build_info", Help: "1, with the version and commit as labels.",
		ConstLabels: prometheus.Labels{"version": v.Version, "commit": v.Commit},
	})
	info.Set(1)
	m.registry.MustRegister(m.requests, m.seconds, info, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// observe counts an answered request. Unknown paths share a label, and so do unknown
// methods: a client could invent any number of them.
func (m *meters) observe(method string, f found, status int, took time.Duration) {
	routeName := "none"
	if f.candidate != nil {
		routeName = f.candidate.pattern
	}
	switch method {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodHead:
	default:
		method = "other"
	}
	m.requests.WithLabelValues(method, routeName, strconv.Itoa(status)).Inc()
	if routeName != "/events" {
		m.seconds.WithLabelValues(routeName).Observe(took.Seconds())
	}
}

// engineMetrics are the metrics of the engine in one scrape.
type engineMetrics struct {
	*engine.Counts
	ports      []engine.PortView
	stacks     []engine.PortCounters
	generators generatorMetrics
	lastEvent  uint64
}

// engineMetrics reads the engine on the loop, in several turns if it has many resources,
// and the counters of runs off the loop.
func (s *Server) engineMetrics(r *request) (*engineMetrics, error) {
	counted := newOutcome[*engineMetrics]()
	err := s.Do(r.Context(), func() {
		m := &engineMetrics{ports: s.Engine.Ports(), stacks: s.Engine.StackCountersByPort()}
		_, m.lastEvent = s.Engine.Events(0, 0)
		s.Engine.Count(listedGenerators, func(c *engine.Counts) {
			m.Counts = c
			counted.set(m, nil)
		})
	})
	if err != nil {
		return nil, err
	}
	m, err := counted.await(r)
	if err == nil {
		m.generators = newGeneratorMetrics(m.Counts, s.Loop.Clock())
	}
	return m, err
}

// constMetric returns one line of a scrape. labels are name, value, name, value.
func constMetric(kind prometheus.ValueType, name, help string, value float64, labels []string) prometheus.Metric {
	names := make([]string, 0, len(labels)/2)
	values := make([]string, 0, len(labels)/2)
	for i := 0; i+1 < len(labels); i += 2 {
		names, values = append(names, labels[i]), append(values, labels[i+1])
	}
	return prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, names, nil), kind, value, values...)
}

// Describe implements prometheus.Collector. It sends nothing, so the metrics are not
// checked against descriptions.
func (m *engineMetrics) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (m *engineMetrics) Collect(out chan<- prometheus.Metric) {
	send := func(kind prometheus.ValueType, name, help string, value float64, labels ...string) {
		out <- constMetric(kind, name, help, value, labels)
	}
	m.generators.collect(out)
	for i := range m.stacks {
		collectStack(out, m.stacks[i].PortID, &m.stacks[i].Counters)
	}
	for i := range m.ports {
		if p := &m.ports[i]; p.Spec.Kind != engine.KindBond { // a bond has no link that could be down
			collectPort(send, p)
		}
	}
	send(prometheus.GaugeValue, "glean_interfaces", "Interfaces.", float64(m.Interfaces))
	send(prometheus.GaugeValue, "glean_generators_active", "Generators that transmit.", float64(m.Active))
	send(prometheus.GaugeValue, "glean_generator_results", "Generator results kept.", float64(m.Results))
	send(prometheus.CounterValue, "glean_events_total", "Events since the start.", float64(m.lastEvent))
	for _, state := range []string{"unsupported", "unresolved", "resolving", "resolved", "timed_out"} {
		send(prometheus.GaugeValue, "glean_generators", "Generators by state of learning.", float64(m.Generators[state]), "learning", state)
	}
	for _, state := range []string{"resolving", "completed", "timed_out", "cancelled"} {
		send(prometheus.GaugeValue, "glean_learning_requests", "Learning requests kept, by state.", float64(m.Requests[state]), "state", state)
	}
}

// collectPort sends the state and the counters of a port.
func collectPort(send func(kind prometheus.ValueType, name, help string, value float64, labels ...string), p *engine.PortView) {
	up := 0.0
	if p.State.Up {
		up = 1
	}
	send(prometheus.GaugeValue, "glean_port_up", "1 if the link is up.", up, "port", p.Spec.ID)
	for _, c := range []struct {
		name, help string
		value      uint64
	}{
		{"glean_port_rx_frames_total", "Frames received.", p.Stats.RxFrames},
		{"glean_port_rx_bytes_total", "Octets received, without FCS.", p.Stats.RxBytes},
		{"glean_port_rx_traffic_frames_total", "Of the frames received, those that are not for the stack.", p.Stats.RxTraffic},
		{"glean_port_rx_dropped_total", "Frames for the stack that found the inbox full.", p.Stats.RxDropped},
		{"glean_port_rx_errors_total", "Frames that could not be read.", p.Stats.RxErrors},
		{"glean_port_tx_frames_total", "Frames sent.", p.Stats.TxFrames},
		{"glean_port_tx_bytes_total", "Octets sent, without FCS.", p.Stats.TxBytes},
		{"glean_port_tx_errors_total", "Frames that the device refused.", p.Stats.TxErrors},
	} {
		send(prometheus.CounterValue, c.name, c.help, float64(c.value), "port", p.Spec.ID)
	}
}

// metrics answers GET /metrics in Prometheus' text format.
func (s *Server) metrics(w *responseWriter, r *request) error {
	snapshot, err := s.engineMetrics(r)
	if err != nil {
		return err
	}
	once := prometheus.NewRegistry()
	once.MustRegister(snapshot)
	promhttp.HandlerFor(prometheus.Gatherers{s.meters.registry, once}, promhttp.HandlerOpts{}).ServeHTTP(w, r.Request)
	return nil
}
