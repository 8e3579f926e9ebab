package brokerd;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.client.builder.AwsSyncClientBuilder;
import software.amazon.awssdk.awscore.client.builder.AwsClientBuilder;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.core.SdkPojo;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.cloudwatch.CloudWatchClient;
import software.amazon.awssdk.services.mq.MqClient;

/** The API with the AWS SDK for Java; what is read and written is in ../PROTOCOL.md. */
public final class Api {
  private static final String SERVICES = "software.amazon.awssdk.services.";

  private final MqClient mq;
  private final CloudWatchClient cloudWatch;

  private Api(JsonObject given) {
    mq = configured(MqClient.builder(), given).build();
    cloudWatch = configured(CloudWatchClient.builder(), given).build();
  }

  private static <B extends AwsClientBuilder<B, ?> & AwsSyncClientBuilder<B, ?>> B configured(
      B builder, JsonObject given) {
    var credentials =
        AwsBasicCredentials.create(given.get("key").getAsString(), given.get("secret").getAsString());
    return builder
        .endpointOverride(URI.create(given.get("endpoint").getAsString()))
        .region(Region.of(given.get("region").getAsString()))
        .credentialsProvider(StaticCredentialsProvider.create(credentials))
        .httpClientBuilder(UrlConnectionHttpClient.builder().socketTimeout(Duration.ofSeconds(30)))
        .overrideConfiguration(some -> some.retryStrategy(AwsRetryStrategy.doNotRetry()));
  }

  public static void main(String[] arguments) throws IOException {
    var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    var answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    var gson = new Gson();
    var api = new Api(JsonParser.parseString(lines.readLine()).getAsJsonObject());
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      answers.println(gson.toJson(api.answer(JsonParser.parseString(line).getAsJsonObject())));
    }
  }

  private JsonObject answer(JsonObject call) {
    try {
      return told("ok", perform(call));
    } catch (InvocationTargetException wrapped) {
      if (wrapped.getCause() instanceof SdkException failure) {
        return told("error", failure(failure));
      }
      throw new IllegalStateException(wrapped.getCause());
    } catch (SdkException failure) {
      // The pages of a paginator are fetched while they are turned.
      return told("error", failure(failure));
    } catch (ReflectiveOperationException | Members.UnknownMember unknown) {
      var answer = new JsonObject();
      answer.addProperty("unknown", unknown.toString());
      return answer;
    }
  }

  private static JsonObject told(String name, JsonElement value) {
    var answer = new JsonObject();
    answer.add(name, value);
    return answer;
  }

  private JsonElement perform(JsonObject call) throws ReflectiveOperationException {
    var operation = call.get("operation").getAsString();
    var parameters = call.has("parameters") ? call.getAsJsonObject("parameters") : new JsonObject();
    var isPaged = call.has("page_size");
    if (isPaged) {
      parameters.add("MaxResults", call.get("page_size"));
    }
    var service = call.has("service") ? call.get("service").getAsString() : "mq";
    var isMq = service.equals("mq");
    var requestClass = Class.forName(SERVICES + service + ".model." + operation + "Request");
    var builder = (SdkPojo) requestClass.getMethod("builder").invoke(null);
    var request = Members.built(builder, parameters);
    var method = Character.toLowerCase(operation.charAt(0)) + operation.substring(1);
    var returned =
        (isMq ? MqClient.class : CloudWatchClient.class)
            .getMethod(isPaged ? method + "Paginator" : method, requestClass)
            .invoke(isMq ? mq : cloudWatch, request);
    if (!isPaged) {
      return Members.plain((SdkPojo) returned);
    }
    var pages = new JsonArray();
    for (Object page : (Iterable<?>) returned) {
      pages.add(Members.plain((SdkPojo) page));
    }
    return pages;
  }

  /** The classes of a model extend the one of their service, which extends that of all services. */
  private static boolean isModelled(Class<?> failure) {
    return failure.getSuperclass().getSuperclass() == AwsServiceException.class;
  }

  private static JsonObject failure(SdkException failure) {
    var told = new JsonObject();
    told.addProperty("class", failure.getClass().getSimpleName());
    told.addProperty("modelled", isModelled(failure.getClass()));
    told.addProperty("message", failure.getMessage());
    if (failure instanceof AwsServiceException service) {
      told.addProperty("code", service.awsErrorDetails().errorCode());
      told.addProperty("message", service.awsErrorDetails().errorMessage());
      told.addProperty("status", service.statusCode());
    }
    try {
      var attribute = failure.getClass().getMethod("errorAttribute").invoke(failure);
      told.addProperty("attribute", (String) attribute);
    } catch (ReflectiveOperationException ignored) {
      // Only the service's own exceptions have one.
    }
    return told;
  }
}
