package brokerd;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.apache.activemq.advisory.AdvisorySupport;
import org.apache.activemq.broker.BrokerService;
import org.apache.activemq.broker.jmx.BrokerView;
import org.apache.activemq.broker.region.Destination;
import org.apache.activemq.broker.region.DestinationStatistics;
import org.apache.activemq.broker.region.RegionBroker;
import org.apache.activemq.command.ActiveMQDestination;
import org.apache.activemq.network.NetworkConnector;
import org.apache.activemq.store.kahadb.KahaDBPersistenceAdapter;
import org.apache.activemq.store.kahadb.KahaDBStore;
import org.apache.activemq.store.kahadb.disk.journal.DataFile;
import org.apache.activemq.store.kahadb.disk.journal.Location;

/** The broker's own counters as OpenMetrics text. Nothing is counted for it that ActiveMQ does not count anyway, but transactions. */
final class MetricsPage extends OwnPage {
  static final String PATH = "/brokerd/metrics";

  /** So many destinations are told of, as the service does. */
  private static final int MOST_DESTINATIONS = 1000;
  private static final Comparator<ActiveMQDestination> ORDER = Comparator.<ActiveMQDestination, Boolean>comparing(AdvisorySupport::isAdvisoryTopic)
      .thenComparing(ActiveMQDestination::isTopic).thenComparing(ActiveMQDestination::getPhysicalName);

  private final BrokerService broker;

  MetricsPage(BrokerService broker, String authorization) {
    super(PATH, "application/openmetrics-text; version=1.0.0; charset=utf-8", authorization);
    this.broker = broker;
  }

  @Override
  String text() throws Exception {
    StringBuilder page = new StringBuilder(4096);
    tellBroker(page);
    tellStore(page);
    tellDestinations(page);
    return page.append("# EOF\n").toString();
  }

  private void tellBroker(StringBuilder page) throws Exception {
    BrokerView view = broker.getAdminView();
    gauge(page, "activemq_broker_connections", view.getCurrentConnectionsCount());
    counter(page, "activemq_broker_connections_established", view.getTotalConnectionsCount());
    gauge(page, "activemq_broker_consumers", view.getTotalConsumerCount());
    gauge(page, "activemq_broker_producers", view.getTotalProducerCount());
    gauge(page, "activemq_broker_messages", view.getTotalMessageCount());
    counter(page, "activemq_broker_enqueues", view.getTotalEnqueueCount());
    counter(page, "activemq_broker_dequeues", view.getTotalDequeueCount());
    gauge(page, "activemq_broker_store_percent_usage", view.getStorePercentUsage());
    gauge(page, "activemq_broker_temp_percent_usage", view.getTempPercentUsage());
    gauge(page, "activemq_broker_job_scheduler_store_percent_usage", view.getJobSchedulerStorePercentUsage());
    gauge(page, "activemq_broker_inactive_durable_subscribers", view.getInactiveDurableTopicSubscribers().length);
    gauge(page, "activemq_broker_open_transactions", Transactions.open());
    int bridges = 0;
    for (NetworkConnector connector : broker.getNetworkConnectors()) {
      bridges += connector.activeBridges().size();
    }
    gauge(page, "activemq_broker_network_connector_connections", bridges);
    Runtime jvm = Runtime.getRuntime();
    gauge(page, "activemq_heap_used_bytes", jvm.totalMemory() - jvm.freeMemory());
    gauge(page, "activemq_heap_limit_bytes", jvm.maxMemory());
  }

  /** Files of the journal: all of them are read after a crash; after a clean stop those from the first transaction on that has not ended. */
  private void tellStore(StringBuilder page) throws IOException {
    if (!(broker.getPersistenceAdapter() instanceof KahaDBPersistenceAdapter adapter)) {
      return;
    }
    KahaDBStore store = adapter.getStore();
    Map<Integer, DataFile> files = store.getJournal().getFileMap();
    Location[] unfinished = store.getInProgressTxLocationRange();
    int first = store.getJournal().getCurrentDataFileId();
    if (unfinished != null && unfinished.length > 0 && unfinished[0] != null) {
      first = Math.min(first, unfinished[0].getDataFileId());
    }
    int from = first;
    gauge(page, "activemq_broker_journal_files_full_recovery", files.size());
    gauge(page, "activemq_broker_journal_files_fast_recovery", files.keySet().stream().filter(file -> file >= from).count());
  }

  private void tellDestinations(StringBuilder page) {
    RegionBroker regions = (RegionBroker) broker.getRegionBroker();
    List<Destination> all = new ArrayList<>(regions.getQueueRegion().getDestinationMap().values());
    all.addAll(regions.getTopicRegion().getDestinationMap().values());
    all.sort(Comparator.comparing(Destination::getActiveMQDestination, ORDER));
    List<Told> told = all.stream().limit(MOST_DESTINATIONS).map(Told::new).toList();
    series(page, told, "consumers", "gauge", d -> d.statistics.getConsumers().getCount());
    series(page, told, "producers", "gauge", d -> d.statistics.getProducers().getCount());
    series(page, told, "messages", "gauge", d -> d.statistics.getMessages().getCount());
    series(page, told, "in_flight", "gauge", d -> d.statistics.getInflight().getCount());
    series(page, told, "memory_percent_usage", "gauge", d -> d.destination.getMemoryUsage().getPercentUsage());
    series(page, told, "enqueue_time_milliseconds", "gauge", d -> d.statistics.getProcessTime().getAverageTime());
    series(page, told, "enqueues", "counter", d -> d.statistics.getEnqueues().getCount());
    series(page, told, "dequeues", "counter", d -> d.statistics.getDequeues().getCount());
    series(page, told, "dispatches", "counter", d -> d.statistics.getDispatched().getCount());
    series(page, told, "expired", "counter", d -> d.statistics.getExpired().getCount());
  }

  /** A destination and how it is named here. */
  private static final class Told {
    final Destination destination;
    final DestinationStatistics statistics;
    final String labels;

    Told(Destination destination) {
      this.destination = destination;
      this.statistics = destination.getDestinationStatistics();
      ActiveMQDestination name = destination.getActiveMQDestination();
      this.labels = "{destination=\"" + escaped(name.getPhysicalName()) + "\",kind=\"" + (name.isTopic() ? "topic" : "queue") + "\"} ";
    }
  }

  private interface Read {
    double of(Told told);
  }

  private static void series(StringBuilder page, List<Told> all, String what, String type, Read read) {
    String name = "activemq_destination_" + what;
    page.append("# TYPE ").append(name).append(' ').append(type).append('\n');
    String suffix = type.equals("counter") ? "_total" : "";
    for (Told told : all) {
      page.append(name).append(suffix).append(told.labels);
      number(page, read.of(told));
    }
  }

  private static void gauge(StringBuilder page, String name, double value) {
    page.append("# TYPE ").append(name).append(" gauge\n").append(name).append(' ');
    number(page, value);
  }

  private static void counter(StringBuilder page, String name, double value) {
    page.append("# TYPE ").append(name).append(" counter\n").append(name).append("_total ");
    number(page, value);
  }

  private static void number(StringBuilder page, double value) {
    if (value == Math.rint(value) && Math.abs(value) < 1e15) {
      page.append((long) value).append('\n');
    } else {
      page.append(value).append('\n');
    }
  }

  private static String escaped(String text) {
    return text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
  }
}
