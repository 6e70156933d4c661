package service

import (
	"fmt"
	"strings"
)

// requirement is one module of the go.mod, at an exact version.
type requirement struct {
	Path, version string
	// to is the version that Bump goes to.
	to string
	// heavy modules are left out of a small service.
	heavy bool
}

var requirements = []requirement{
	{Path: "github.com/aws/aws-sdk-go-v2/service/s3", version: "v1.114.0", heavy: true},
	{Path: "github.com/gin-gonic/gin", version: "v1.12.0", heavy: true},
	{Path: "github.com/jackc/pgx/v5", version: "v5.12.0", heavy: true},
	{Path: "github.com/nats-io/nats.go", version: "v1.55.0", heavy: true},
	{Path: "github.com/prometheus/client_golang", version: "v1.25.0", heavy: true},
	{Path: "github.com/redis/go-redis/v9", version: "v9.23.0", heavy: true},
	bumped,
	{Path: "go.opentelemetry.io/otel", version: "v1.47.0", heavy: true},
	{Path: "go.uber.org/zap", version: "v1.28.0"},
	{Path: "google.golang.org/grpc", version: "v1.85.0", heavy: true},
	{Path: "k8s.io/apimachinery", version: "v0.37.2", heavy: true},
	{Path: "k8s.io/client-go", version: "v0.37.2", heavy: true},
}

// bumped is small, and nothing but the service requires it: its version is the only one
// that the edit moves.
var bumped = requirement{Path: "github.com/rs/xid", version: "v1.5.0", to: "v1.6.0"}

func goMod(o Options) string {
	var b strings.Builder
	fmt.Fprintf(&b, "module %s\n\ngo 1.26.0\n\nrequire (\n", Module)
	for _, r := range requirements {
		if !r.heavy || !o.Small {
			fmt.Fprintf(&b, "\t%s %s\n", r.Path, r.version)
		}
	}
	return b.String() + ")\n"
}

// adapter is a package that does something real with another module.
type adapter struct {
	name  string
	heavy bool
	text  string
}

var adapters = []adapter{
	{"ids", false, `
import "github.com/rs/xid"

// Open makes an identifier.
func Open() string { return xid.New().String() }
`},
	{"logs", false, `
import "go.uber.org/zap"

// Open makes a logger and says hello.
func Open() error {
	log, err := zap.NewProduction()
	if err != nil {
		return err
	}
	log.Sugar().Infow("started", "part", "logs")
	return log.Sync()
}
`},
	{"objects", true, `
import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Open lists the buckets.
func Open() error {
	_, err := s3.New(s3.Options{Region: "eu-central-1"}).ListBuckets(context.Background(), &s3.ListBucketsInput{})
	return err
}
`},
	{"web", true, `
import "github.com/gin-gonic/gin"

// Open serves over HTTP.
func Open() error {
	e := gin.New()
	e.GET("/healthz", func(c *gin.Context) { c.JSON(200, gin.H{"ok": true}) })
	return e.Run("127.0.0.1:0")
}
`},
	{"database", true, `
import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Open connects to the database.
func Open() error {
	pool, err := pgxpool.New(context.Background(), "postgres://localhost/orders")
	if err != nil {
		return err
	}
	defer pool.Close()
	return pool.Ping(context.Background())
}
`},
	{"queue", true, `
import "github.com/nats-io/nats.go"

// Open connects to the queue.
func Open() error {
	conn, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Publish("orders", []byte("opened"))
}
`},
	{"metrics", true, `
import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Open serves the metrics.
func Open() error {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: "opened_total"})
	if err := prometheus.Register(c); err != nil {
		return err
	}
	c.Inc()
	return http.ListenAndServe("127.0.0.1:0", promhttp.Handler())
}
`},
	{"cache", true, `
import (
	"context"

	"github.com/redis/go-redis/v9"
)

// Open connects to the cache.
func Open() error {
	return redis.NewClient(&redis.Options{Addr: "localhost:6379"}).Ping(context.Background()).Err()
}
`},
	{"traces", true, `
import (
	"context"

	"go.opentelemetry.io/otel"
)

// Open traces a first span.
func Open() error {
	_, span := otel.Tracer("orders").Start(context.Background(), "open")
	span.End()
	return nil
}
`},
	{"rpc", true, `
import (
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
)

// Open serves over gRPC.
func Open() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(s, health.NewServer())
	return s.Serve(l)
}
`},
	{"cluster", true, `
import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// Open lists the pods.
func Open() error {
	config, err := rest.InClusterConfig()
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	_, err = client.CoreV1().Pods("default").List(context.Background(), metav1.ListOptions{})
	return err
}
`},
}
