package httpapi

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics counts requests.
type metrics struct {
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	handler   http.Handler
}

func newMetrics(registry *prometheus.Registry) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cmt_http_requests_total", Help: "Requests by route, method and status.",
		}, []string{"route", "method", "status"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "cmt_http_request_duration_seconds", Help: "How long requests took, by route.",
			Buckets: []float64{.005, .01, .025, .05, .1, .15, .2, .3, .4, .6, .9, 1.5, 3, 6, 15, 30},
		}, []string{"route"}),
		handler: promhttp.HandlerFor(registry, promhttp.HandlerOpts{}),
	}
	registry.MustRegister(m.requests, m.durations)
	return m
}

// observe counts one request. The route is a pattern, and methods are those of routes, so that labels are few.
func (m *metrics) observe(route, method string, status int, took time.Duration) {
	if route == "none" {
		method = "any"
	}
	m.requests.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
	m.durations.WithLabelValues(route).Observe(took.Seconds())
}
