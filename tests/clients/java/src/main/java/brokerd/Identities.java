package brokerd;

import com.google.gson.JsonObject;
import java.util.function.Consumer;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.iam.IamClient;
import software.amazon.awssdk.services.iam.model.EntityAlreadyExistsException;
import software.amazon.awssdk.services.iam.model.NoSuchEntityException;
import software.amazon.awssdk.services.mq.MqClient;
import software.amazon.awssdk.services.mq.model.ForbiddenException;
import software.amazon.awssdk.services.sts.StsClient;
import software.amazon.awssdk.services.sts.auth.StsAssumeRoleCredentialsProvider;

/**
 * What the AWS SDK for Java sees of IAM and STS: a user from its creation to its deletion, typed errors, waiters, paginators, and a role that
 * it assumes by itself. Where and who is in the environment; the arguments are what the trusted account may do in a trust policy, and what the
 * user may do. Prints what it found.
 */
public final class Identities {
  private static final String NAME = "java";
  private static final String READ = "arn:aws:iam::aws:policy/AmazonMQReadOnlyAccess";

  private Identities() {}

  public static void main(String[] arguments) {
    var found = new JsonObject();
    try (var iam = IamClient.builder().region(Region.AWS_GLOBAL).build(); var sts = StsClient.create()) {
      found.addProperty("root", sts.getCallerIdentity().arn());
      var user = iam.createUser(of -> of.userName(NAME).path("/sdk/").tags(tag -> tag.key("team").value("red"))).user();
      iam.waiter().waitUntilUserExists(of -> of.userName(NAME));
      check(iam.getUser(of -> of.userName(NAME)).user().tags().get(0).value().equals("red"), "the tag");
      check(iam.getUser(of -> of.userName(NAME)).user().createDate().equals(user.createDate()), "the date");
      check(iam.listUsersPaginator(of -> of.pathPrefix("/sdk/").maxItems(1)).users().stream().count() == 1, "the list");
      expect(EntityAlreadyExistsException.class, 409, () -> iam.createUser(of -> of.userName("JAVA")));

      var role = iam.createRole(of -> of.roleName(NAME).assumeRolePolicyDocument(arguments[0])).role();
      iam.attachRolePolicy(of -> of.roleName(NAME).policyArn(READ));
      var may = arguments[1].replace("ROLE", role.arn());
      iam.putUserPolicy(of -> of.userName(NAME).policyName("assume").policyDocument(may));
      var key = iam.createAccessKey(of -> of.userName(NAME)).accessKey();
      asUser(found, AwsBasicCredentials.create(key.accessKeyId(), key.secretAccessKey()), role.arn());
      var used = iam.getAccessKeyLastUsed(of -> of.accessKeyId(key.accessKeyId())).accessKeyLastUsed();
      found.addProperty("used", used.serviceName());
      check(used.lastUsedDate() != null, "the date of the last use");

      iam.deleteAccessKey(of -> of.userName(NAME).accessKeyId(key.accessKeyId()));
      iam.deleteUserPolicy(of -> of.userName(NAME).policyName("assume"));
      iam.detachRolePolicy(of -> of.roleName(NAME).policyArn(READ));
      iam.deleteRole(of -> of.roleName(NAME));
      iam.deleteUser(of -> of.userName(NAME));
      expect(NoSuchEntityException.class, 404, () -> iam.getUser(of -> of.userName(NAME)));
    }
    System.out.println(found);
  }

  private static void asUser(JsonObject found, AwsBasicCredentials key, String role) {
    var own = StaticCredentialsProvider.create(key);
    try (var sts = StsClient.builder().credentialsProvider(own).build()) {
      found.addProperty("user", sts.getCallerIdentity().arn());
      Consumer<software.amazon.awssdk.services.sts.model.AssumeRoleRequest.Builder> asked =
          of -> of.roleArn(role).roleSessionName("run-17").sourceIdentity(NAME).durationSeconds(900);
      try (var assumed = StsAssumeRoleCredentialsProvider.builder().stsClient(sts).refreshRequest(asked).build();
          var inRole = StsClient.builder().credentialsProvider(assumed).build();
          var mq = MqClient.builder().credentialsProvider(assumed).build()) {
        found.addProperty("role", inRole.getCallerIdentity().arn());
        found.addProperty("brokers", mq.listBrokers(of -> {}).brokerSummaries().size());
        found.addProperty("source", sts.assumeRole(asked).sourceIdentity());
        try {
          mq.createConfiguration(of -> of.name("x").engineType("ACTIVEMQ").engineVersion("5.19"));
          throw new IllegalStateException("the role may do what no policy allows");
        } catch (AwsServiceException refused) {
          check(!(refused instanceof ForbiddenException) || refused.statusCode() == 403, "the status");
          found.addProperty("refused", refused.awsErrorDetails().errorCode());
        }
      }
    }
  }

  private static void expect(Class<? extends AwsServiceException> type, int status, Runnable call) {
    try {
      call.run();
    } catch (AwsServiceException refused) {
      check(type.isInstance(refused) && refused.statusCode() == status && refused.requestId() != null, refused.toString());
      return;
    }
    throw new IllegalStateException("not refused: " + type.getSimpleName());
  }

  private static void check(boolean condition, String what) {
    if (!condition) {
      throw new IllegalStateException("not as expected: " + what);
    }
  }
}
