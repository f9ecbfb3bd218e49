package js

import "github.com/dop251/goja/ast"

// children calls visit with what a node is made of, in the order of the source. Nil nodes are left out.
func children(n ast.Node, visit func(ast.Node)) {
	switch n := n.(type) {
	case *ast.Program:
		each(n.Body, visit)
	case *ast.FunctionLiteral:
		parameters(n.ParameterList, visit)
		visit(n.Body)
	case *ast.ClassLiteral:
		one(n.SuperClass, visit)
		each(n.Body, visit)
	case *ast.MethodDefinition:
		visit(n.Key)
		visit(n.Body)
	case *ast.FieldDefinition:
		visit(n.Key)
		one(n.Initializer, visit)
	case *ast.ClassStaticBlock:
		visit(n.Block)
	case ast.Statement:
		statementChildren(n, visit)
	case ast.Expression:
		expressionChildren(n, visit)
	}
}

func each[T ast.Node](list []T, visit func(ast.Node)) {
	for _, n := range list {
		one(n, visit)
	}
}

// one visits a node that may be missing.
func one[T ast.Node](n T, visit func(ast.Node)) {
	if any(n) != nil {
		visit(n)
	}
}

func parameters(list *ast.ParameterList, visit func(ast.Node)) {
	each(list.List, visit)
	one(list.Rest, visit)
}

func statementChildren(n ast.Statement, visit func(ast.Node)) {
	switch n := n.(type) {
	case *ast.BlockStatement:
		each(n.List, visit)
	case *ast.ExpressionStatement:
		visit(n.Expression)
	case *ast.VariableStatement:
		each(n.List, visit)
	case *ast.LexicalDeclaration:
		each(n.List, visit)
	case *ast.FunctionDeclaration:
		visit(n.Function)
	case *ast.ClassDeclaration:
		visit(n.Class)
	case *ast.IfStatement:
		visit(n.Test)
		visit(n.Consequent)
		one(n.Alternate, visit)
	case *ast.ForStatement:
		initializerChildren(n.Initializer, visit)
		one(n.Test, visit)
		one(n.Update, visit)
		visit(n.Body)
	case *ast.ForOfStatement:
		intoChildren(n.Into, visit)
		visit(n.Source)
		visit(n.Body)
	case *ast.ForInStatement:
		intoChildren(n.Into, visit)
		visit(n.Source)
		visit(n.Body)
	case *ast.WhileStatement:
		visit(n.Test)
		visit(n.Body)
	case *ast.DoWhileStatement:
		visit(n.Body)
		visit(n.Test)
	case *ast.ReturnStatement:
		one(n.Argument, visit)
	case *ast.ThrowStatement:
		visit(n.Argument)
	case *ast.LabelledStatement:
		visit(n.Statement)
	case *ast.WithStatement:
		visit(n.Object)
		visit(n.Body)
	case *ast.SwitchStatement:
		visit(n.Discriminant)
		for _, c := range n.Body {
			visit(c)
		}
	case *ast.CaseStatement:
		one(n.Test, visit)
		each(n.Consequent, visit)
	case *ast.TryStatement:
		visit(n.Body)
		if n.Catch != nil {
			visit(n.Catch)
		}
		if n.Finally != nil {
			visit(n.Finally)
		}
	case *ast.CatchStatement:
		one(n.Parameter, visit)
		visit(n.Body)
	}
}

func initializerChildren(n ast.ForLoopInitializer, visit func(ast.Node)) {
	switch n := n.(type) {
	case *ast.ForLoopInitializerExpression:
		visit(n.Expression)
	case *ast.ForLoopInitializerVarDeclList:
		each(n.List, visit)
	case *ast.ForLoopInitializerLexicalDecl:
		visit(&n.LexicalDeclaration)
	}
}

func intoChildren(n ast.ForInto, visit func(ast.Node)) {
	switch n := n.(type) {
	case *ast.ForIntoVar:
		visit(n.Binding)
	case *ast.ForDeclaration:
		visit(n.Target)
	case *ast.ForIntoExpression:
		visit(n.Expression)
	}
}

func expressionChildren(n ast.Expression, visit func(ast.Node)) {
	switch n := n.(type) {
	case *ast.Binding:
		one(n.Target, visit)
		one(n.Initializer, visit)
	case *ast.ArrayLiteral:
		each(n.Value, visit)
	case *ast.ArrayPattern:
		each(n.Elements, visit)
		one(n.Rest, visit)
	case *ast.ObjectLiteral:
		each(n.Value, visit)
	case *ast.ObjectPattern:
		each(n.Properties, visit)
		one(n.Rest, visit)
	case *ast.PropertyShort:
		visit(&n.Name)
		one(n.Initializer, visit)
	case *ast.PropertyKeyed:
		if n.Computed {
			visit(n.Key)
		}
		visit(n.Value)
	case *ast.SpreadElement:
		visit(n.Expression)
	case *ast.AssignExpression:
		visit(n.Left)
		visit(n.Right)
	case *ast.BinaryExpression:
		visit(n.Left)
		visit(n.Right)
	case *ast.UnaryExpression:
		visit(n.Operand)
	case *ast.ConditionalExpression:
		visit(n.Test)
		visit(n.Consequent)
		visit(n.Alternate)
	case *ast.BracketExpression:
		visit(n.Left)
		visit(n.Member)
	case *ast.DotExpression:
		visit(n.Left)
	case *ast.PrivateDotExpression:
		visit(n.Left)
	case *ast.OptionalChain:
		visit(n.Expression)
	case *ast.Optional:
		visit(n.Expression)
	case *ast.CallExpression:
		visit(n.Callee)
		each(n.ArgumentList, visit)
	case *ast.NewExpression:
		visit(n.Callee)
		each(n.ArgumentList, visit)
	case *ast.SequenceExpression:
		each(n.Sequence, visit)
	case *ast.TemplateLiteral:
		one(n.Tag, visit)
		each(n.Expressions, visit)
	case *ast.YieldExpression:
		one(n.Argument, visit)
	case *ast.AwaitExpression:
		visit(n.Argument)
	}
}
