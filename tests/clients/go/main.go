// The API with the AWS SDK for Go; what is read and written is in ../PROTOCOL.md.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/mq"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

type given struct {
	Endpoint, Region, Key, Secret string
}

type call struct {
	Service    string          `json:"service"`
	Operation  string          `json:"operation"`
	Parameters json.RawMessage `json:"parameters"`
	PageSize   *int32          `json:"page_size"`
}

type answer map[string]any

type clients struct {
	mq         *mq.Client
	cloudwatch *cloudwatch.Client
}

func clientsFor(given given) clients {
	credentials := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: given.Key, SecretAccessKey: given.Secret}, nil
	})
	return clients{
		mq: mq.New(mq.Options{
			BaseEndpoint: aws.String(given.Endpoint),
			Region:       given.Region,
			Retryer:      aws.NopRetryer{},
			Credentials:  credentials,
		}),
		cloudwatch: cloudwatch.New(cloudwatch.Options{
			BaseEndpoint: aws.String(given.Endpoint),
			Region:       given.Region,
			Retryer:      aws.NopRetryer{},
			Credentials:  credentials,
		}),
	}
}

func (clients clients) of(service string) any {
	if service == "cloudwatch" {
		return clients.cloudwatch
	}
	return clients.mq
}

// into reads parameters strictly: what this edition of the SDK does not know must not vanish unseen.
func into(input any, parameters json.RawMessage) error {
	if len(parameters) == 0 {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(parameters))
	decoder.DisallowUnknownFields()
	return decoder.Decode(input)
}

func perform(ctx context.Context, clients clients, call call) answer {
	if call.PageSize != nil {
		return pages(ctx, clients.mq, call)
	}
	method := reflect.ValueOf(clients.of(call.Service)).MethodByName(call.Operation)
	if !method.IsValid() {
		return answer{"unknown": "no method " + call.Operation}
	}
	input := reflect.New(method.Type().In(1).Elem())
	if err := into(input.Interface(), call.Parameters); err != nil {
		return answer{"unknown": err.Error()}
	}
	returned := method.Call([]reflect.Value{reflect.ValueOf(ctx), input})
	if err, failed := returned[1].Interface().(error); failed {
		return failure(err)
	}
	return answer{"ok": plain(returned[0])}
}

func pages(ctx context.Context, client *mq.Client, call call) answer {
	if call.Operation != "ListBrokers" {
		return answer{"unknown": "no paginator for " + call.Operation}
	}
	var input mq.ListBrokersInput
	if err := into(&input, call.Parameters); err != nil {
		return answer{"unknown": err.Error()}
	}
	paginator := mq.NewListBrokersPaginator(client, &input, func(options *mq.ListBrokersPaginatorOptions) {
		options.Limit = *call.PageSize
	})
	turned := []any{}
	for paginator.HasMorePages() {
		page, err := paginator.NextPage(ctx)
		if err != nil {
			return failure(err)
		}
		turned = append(turned, plain(reflect.ValueOf(page)))
	}
	return answer{"ok": turned}
}

func failure(err error) answer {
	told := map[string]any{"class": fmt.Sprintf("%T", err), "modelled": false, "message": err.Error()}
	var api smithy.APIError
	if errors.As(err, &api) {
		told["class"] = reflect.TypeOf(api).Elem().Name()
		told["modelled"] = isModelled(err)
		told["code"], told["message"] = api.ErrorCode(), api.ErrorMessage()
		attribute := reflect.ValueOf(api).Elem().FieldByName("ErrorAttribute")
		if attribute.IsValid() && !attribute.IsNil() {
			told["attribute"] = attribute.Elem().String()
		}
	}
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) {
		told["status"] = response.HTTPStatusCode()
	}
	return answer{"error": told}
}

func isModelled(err error) bool {
	var generic *smithy.GenericAPIError
	return !errors.As(err, &generic)
}

// plain turns a structure of the SDK into what JSON knows, without what is absent.
func plain(value reflect.Value) any {
	if moment, isTime := value.Interface().(time.Time); isTime {
		return moment.Format(time.RFC3339Nano)
	}
	switch value.Kind() {
	case reflect.Pointer:
		return plain(value.Elem())
	case reflect.Struct:
		members := map[string]any{}
		for i := range value.NumField() {
			name := value.Type().Field(i).Name
			if value.Type().Field(i).IsExported() && name != "ResultMetadata" && !isAbsent(value.Field(i)) {
				members[name] = plain(value.Field(i))
			}
		}
		return members
	case reflect.Slice:
		items := []any{}
		for i := range value.Len() {
			items = append(items, plain(value.Index(i)))
		}
		return items
	default:
		return value.Interface()
	}
}

func isAbsent(value reflect.Value) bool {
	switch value.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return value.IsNil()
	default: // enumerations are strings without a pointer
		return value.Kind() == reflect.String && value.Len() == 0
	}
}

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve() error {
	decoder := json.NewDecoder(os.Stdin)
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	var given given
	if err := decoder.Decode(&given); err != nil {
		return err
	}
	clients := clientsFor(given)
	for decoder.More() {
		var call call
		if err := decoder.Decode(&call); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		err := encoder.Encode(perform(ctx, clients, call))
		cancel()
		if err != nil {
			return err
		}
	}
	return nil
}
