//! The form of calls, answers and refusals.

use axum::{body::Body, http::Request};

use crate::{
    query::{IAM, STS, Who, form},
    support::{Client, TestApi},
};

#[tokio::test]
async fn answers_are_xml_with_the_identifier_of_the_request() {
    let api = TestApi::start().await;
    let answer = api.iam("CreateUser", &[("UserName", "alice"), ("Path", "/team a&b/")]).await;
    assert_eq!(answer.code(), "ValidationError");
    let answer = api.iam("CreateUser", &[("UserName", "alice"), ("Path", "/a&<b>/")]).await.ok();
    let reply = &answer.reply;
    assert_eq!(reply.header("content-type"), "text/xml");
    let start = "<CreateUserResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><CreateUserResult><User><Path>/a&amp;&lt;b&gt;/</Path>";
    assert!(reply.text.starts_with(start), "{}", reply.text);
    assert_eq!(answer.text("ResponseMetadata/RequestId"), reply.header("x-amzn-requestid"));
    let nothing = api.iam("DeleteUser", &[("UserName", "alice")]).await.ok();
    assert!(!nothing.reply.text.contains("DeleteUserResult"), "{}", nothing.reply.text);
    let gone = api.iam("GetUser", &[("UserName", "alice")]).await;
    let (status, code, message) = gone.error();
    assert_eq!((status, code.as_str()), (404, "NoSuchEntity"));
    assert_eq!(message, "The user with name alice cannot be found.");
    assert_eq!(gone.text("Error/Type"), "Sender");
    assert_eq!(gone.text("ErrorResponse/RequestId"), gone.reply.header("x-amzn-requestid"));
    api.stop().await;
}

#[tokio::test]
async fn unknown_operations_versions_and_parameters_are_refused() {
    let api = TestApi::start().await;
    let who = Who::from(&api.alice);
    let send = async |protocol, body: &str| {
        crate::query::Answer { reply: api.send(api.query(protocol, &who, body)).await }.error()
    };
    let invalid = |text: &str| (400, "InvalidAction".to_owned(), text.to_owned());
    assert_eq!(
        send(IAM, "Action=Fly&Version=2010-05-08").await,
        invalid("Could not find operation Fly for version 2010-05-08")
    );
    assert_eq!(
        send(IAM, "Action=ListUsers").await,
        invalid("Could not find operation ListUsers for version NO_VERSION_SPECIFIED")
    );
    assert_eq!(
        send(STS, "Action=ListUsers&Version=2011-06-15").await,
        invalid("Could not find operation ListUsers for version 2011-06-15")
    );
    assert_eq!(send(IAM, "").await.1, "MissingAction");
    let (status, code, message) = send(IAM, "Action=CreateUser&Version=2010-05-08").await;
    assert_eq!((status, code.as_str()), (400, "ValidationError"));
    assert_eq!(
        message,
        "1 validation error detected: Value null at 'userName' failed to satisfy constraint: Member must not be null"
    );
    let twice = "Action=GetUser&Version=2010-05-08&UserName=a&UserName=b";
    assert_eq!(send(IAM, twice).await.1, "ValidationError");
    api.stop().await;
}

#[tokio::test]
async fn what_is_not_authentic_is_refused_in_the_form_of_the_service() {
    let api = TestApi::start().await;
    let body = "Action=GetCallerIdentity&Version=2011-06-15";
    let send = async |request: Request<Body>| {
        let answer = crate::query::Answer { reply: api.send(request).await };
        let (status, code, _) = answer.error();
        (status, code)
    };
    let unsigned = Request::post("/").header("content-type", "application/x-www-form-urlencoded");
    let unsigned = unsigned.body(Body::from(body)).expect("a request");
    assert_eq!(send(unsigned).await, (403, "MissingAuthenticationToken".to_owned()));
    let stranger = Who::from(&Client::new("AKIASTRANGER", "x", "us-east-1"));
    let unknown = api.query(STS, &stranger, body);
    assert_eq!(send(unknown).await, (403, "InvalidClientTokenId".to_owned()));
    let forger = Who::from(&Client::new("AKIAALICE", "x", "us-east-1"));
    let forged = api.query(IAM, &forger, "Action=ListUsers&Version=2010-05-08");
    assert_eq!(send(forged).await, (403, "SignatureDoesNotMatch".to_owned()));
    let old = api.query(IAM, &Who::from(&api.alice), "Action=ListUsers&Version=2010-05-08");
    api.clock.advance_seconds(16 * 60);
    assert_eq!(send(old).await, (403, "SignatureDoesNotMatch".to_owned()));
    api.stop().await;
}

#[tokio::test]
async fn a_signature_for_one_service_is_none_for_another() {
    let api = TestApi::start().await;
    let mut call = api.query(IAM, &Who::from(&api.alice), "Action=ListUsers&Version=2010-05-08");
    *call.uri_mut() = "/v1/brokers".parse().expect("a target");
    assert_eq!(api.send(call).await.status, 403);
    let reply = api.call("POST", "/", &form(&[("Action", "ListUsers")])).await;
    assert_eq!(reply.status, 403);
    api.stop().await;
}

#[tokio::test]
async fn lists_are_turned_page_by_page_to_their_end() {
    let api = TestApi::start().await;
    let names: Vec<String> = (0..7).map(|n| format!("user-{n}")).collect();
    for name in &names {
        let path = if name.ends_with('3') { "/odd/" } else { "/" };
        api.iam("CreateUser", &[("UserName", name), ("Path", path)]).await.ok();
    }
    let (mut seen, mut marker) = (Vec::new(), None::<String>);
    loop {
        let mut parameters = vec![("MaxItems", "3")];
        if let Some(marker) = &marker {
            parameters.push(("Marker", marker));
        }
        let page = api.iam("ListUsers", &parameters).await.ok();
        let users = page.all("Users/member/UserName");
        assert!(users.len() <= 3);
        seen.extend(users);
        if page.text("IsTruncated") == "false" {
            break;
        }
        marker = Some(page.text("ListUsersResult/Marker"));
    }
    assert_eq!(seen, names);
    let odd = api.iam("ListUsers", &[("PathPrefix", "/odd/")]).await.ok();
    assert_eq!(odd.all("Users/member/UserName"), ["user-3"]);
    assert_eq!(api.iam("ListUsers", &[("Marker", "???")]).await.code(), "ValidationError");
    api.stop().await;
}
