module example.com/workspace/services/orders

go 1.26.0

require example.com/workspace/libs/money v0.0.0

require golang.org/x/text v0.42.0 // indirect

replace example.com/workspace/libs/money => ../../libs/money
