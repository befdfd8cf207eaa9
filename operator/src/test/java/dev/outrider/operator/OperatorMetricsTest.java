package dev.outrider.operator;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OperatorMetricsTest {
  @ParameterizedTest
  @CsvSource({
    "/api/v1/namespaces/demo/pods/shop-0, pods",
    "/api/v1/namespaces/demo/pods, pods",
    "/api/v1/pods, pods",
    "/api/v1/namespaces, namespaces",
    "/api/v1/namespaces/demo, namespaces",
    "/api/v1/namespaces/api/pods/apis, pods",
    "/apis/apps/v1/namespaces/demo/statefulsets/shop, statefulsets",
    "/apis/apps/v1/namespaces/api/statefulsets/shop, statefulsets",
    "/apis/apps/v1/namespaces/apis/statefulsets/api, statefulsets",
    "/apis/outrider.dev/v1alpha1/postgresclusters, postgresclusters",
    "/apis/outrider.dev/v1alpha1/namespaces/demo/postgresclusters/shop/status, postgresclusters",
    "/k8s/clusters/c-x7/api/v1/namespaces/demo/services/shop-rw, services",
    "/version, other",
    "/healthz/etcd/x, other",
    "/apis/apps, other",
    "/api, other",
    "/, other",
    "'', other",
  })
  void namesTheResourceAndNothingThatGrows(String path, String resource) {
    assertEquals(resource, OperatorMetrics.resource(path));
  }
}
